//! Cuts the body of an add-checkpoint request into its parts.
//! Never judges a proof or a signature.
//! Every line must be as the specification writes it, and end in a line feed.

use crate::constants::PROOF_HASHES_MAX;
use crate::verify::{Hash, parse_decimal, parse_hash};

/// The parts of a request.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Request<'a> {
    pub(super) old_size: u64,
    pub(super) proof: Vec<Hash>,
    pub(super) checkpoint: &'a str,
}

impl Request<'_> {
    /// Reads a body; `None` if it is not well formed.
    pub(super) fn parse(body: &[u8]) -> Option<Request<'_>> {
        let text = std::str::from_utf8(body).ok()?;
        let (head, checkpoint) = text.split_once("\n\n")?;
        let mut lines = head.split('\n');
        let old_size = parse_decimal(lines.next()?.strip_prefix("old ")?)?;
        let proof: Vec<Hash> = lines.map(parse_hash).collect::<Option<_>>()?;
        (proof.len() <= PROOF_HASHES_MAX).then_some(Request { old_size, proof, checkpoint })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of the specification, cut short at the checkpoint.
    #[test]
    fn body_of_the_specification_is_read() {
        let body = "old 20852014\nPlRNCrwHpqhGrupue0L7gxbjbMiKA9temvuZZDDpkaw=\n\
            jrJZDmY8Y7SyJE0MWLpLozkIVMSMZcD5kvuKxPC3swk=\n\nexample.com/behind-the-sofa\n";
        let request = Request::parse(body.as_bytes()).expect("a request");
        assert_eq!((request.old_size, request.proof.len()), (20_852_014, 2));
        assert_eq!(request.checkpoint, "example.com/behind-the-sofa\n");
    }

    #[test]
    fn bodies_of_another_form_are_refused() {
        let hash = "PlRNCrwHpqhGrupue0L7gxbjbMiKA9temvuZZDDpkaw=\n";
        let most = format!("old 1\n{}\nnote", hash.repeat(PROOF_HASHES_MAX));
        assert!(Request::parse(most.as_bytes()).is_some());
        let more = format!("old 1\n{}\nnote", hash.repeat(PROOF_HASHES_MAX + 1));
        for body in [
            more.as_str(),
            "",
            "old 1\n",
            "old 01\n\nnote",
            "old -1\n\nnote",
            "old  1\n\nnote",
            "old 1 \n\nnote",
            "old 1\r\n\r\nnote",
            "old 18446744073709551616\n\nnote",
            "new 1\n\nnote",
            "\nold 1\n\nnote",
            "old 1\nPlRN\n\nnote",
            "old 1\nPlRNCrwHpqhGrupue0L7gxbjbMiKA9temvuZZDDpkax=\n\nnote",
        ] {
            assert_eq!(Request::parse(body.as_bytes()), None, "{body:?}");
        }
        assert_eq!(Request::parse(b"old 1\n\n\xff"), None);
    }
}
