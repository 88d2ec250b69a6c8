//! Requirements on decisions: the whole policy as a reviewed table, its loading, and every way to a no.
//! Never through another room: facts are made here, and nothing is stored.
//! The shipped policy is read from the files themselves, so that a change of them shows here.

mod children;
mod conditions;
mod domain;
mod erasure;
mod expiry;
mod feed;
mod golden;
mod knowing;
mod lines;
mod listing;
mod loading;
mod mandates;
mod matching;
mod matrix;
mod memo;
mod previews;
mod properties;
mod readiness;
mod removal;
mod rounds;
mod world;
