//! Requirements on sealed records: nothing opens in another place, and nothing more than was permitted.
//! Never a fixed byte: what is compared is what was stored, after it was changed, moved or mixed.
//! The store is in memory, and a second one holds what an intruder made of the first.

mod cursor;
mod kept;
mod link;
mod memo;
mod merge;
mod open;
mod page;
mod places;
mod removal;
mod setting;
mod terms;
mod world;
