//! Requirements on whole operations where they race, go stale, or touch a child, a basis or a period.
//! Never through HTTP: the product's own tests do that.
//! Every case runs over a real trail with a store in memory, and time stands still.

mod administration;
mod bases;
mod changing_ways;
mod children;
mod consents;
mod correcting;
mod erasing;
mod expiring;
mod gate;
mod leaving;
mod listing;
mod listings;
mod matching;
mod misleading;
mod moments;
mod people;
mod protecting;
mod racing;
mod remaking_terms;
mod repeats;
mod restraining;
mod retention;
mod revoking;
mod ring;
mod samples;
mod second_place;
mod setting;
mod slots;
mod turning;
mod turning_contexts;
mod turning_header;
mod turning_index;
mod turning_single;
mod urgent;
mod uses;
mod withdrawn;
mod world;
