//! A resident's value does not get into a text by accident; its debug form is its name.
use gridvault::records::Sensitive;

pub fn print(value: &Sensitive<String>) -> String {
    format!("{value:?}")
}
