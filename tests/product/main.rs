//! The product from outside: the program that users start, called as they call it, over its socket and its command line.
//! Never reaches into a room; what the library lends are words to compare with: routes, masks, sample bodies.
//! Tests that do not disturb each other share one demo vault; whoever stops or damages one has its own.

mod actor;
mod administration;
mod bad_bodies;
mod bad_heads;
mod bad_input;
mod bad_tokens;
mod bad_wire;
mod batch;
mod bodies;
mod capture;
mod changes;
mod client;
mod command_line;
mod connections;
mod cursors;
mod deletes;
mod enrolment;
mod entries;
mod explain;
mod formats;
mod harness;
mod households;
mod idempotency;
mod import;
mod log;
mod matching;
mod nobody;
mod occupants;
mod openapi;
mod problems;
mod program;
mod purposes;
mod query;
mod reads;
mod refusals;
mod requests;
mod restart;
mod roles;
mod routes;
mod slow;
mod tokens;
mod wire;
mod writes;
