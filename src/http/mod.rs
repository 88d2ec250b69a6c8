//! The door: one table of routes, extractors that parse, replies that choose the status.
//! Never decides and never opens; it hands typed requests to operations and writes what they prove.
//! Every answer with data names the entry that let it out.

mod admission;
mod answer;
mod batch;
mod body;
mod caller;
mod damage;
mod examples;
mod forms;
mod handlers;
mod headers;
mod here;
mod kept;
mod local;
mod metrics;
mod named;
mod once;
mod openapi;
mod paced;
mod problem;
mod queries;
mod reply;
mod rooms;
mod routes;
mod server;
mod stray;
mod strict_json;
mod surround;
mod titles;
mod unseal_door;
mod vocabulary;
mod written;
mod wrong;

pub use answer::Answer;
pub use axum::http::Method;
pub use batch::Batches;
pub use here::HOST_ADDRESS;
pub use local::{Call, Local};
pub use metrics::{Measured, MetricsListener};
pub use problem::Problem;
pub use rooms::Rooms;
pub use routes::{Guard, ROUTES, Route};
pub use server::{Serving, Stop, serve};
pub use unseal_door::{UnsealDoor, serve_until_unsealed};
