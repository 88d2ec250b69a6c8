//! Policy files line by line: what is taken, and what each wrong line is called.

use gridvault_audit::constants::{POLICY_BYTES_MAX, POLICY_DEFINITIONS_MAX};
use gridvault_audit::verify::{
    Cosignature, Cosigned, KeyError, Policy, PolicyFault, open_checkpoint,
};

use crate::support::{Key, ORIGIN, Witness, key};

fn vkey(seed: u8) -> String {
    Witness::new(&format!("witness.example/{seed}"), seed).vkey()
}

/// Six witnesses `x1` to `x3` and `y1` to `y3`, and what follows.
fn six(rest: &str) -> Result<Policy, PolicyFault> {
    let mut file = format!("log {}\n", key().vkey());
    for (seed, name) in (11..).zip(["x1", "x2", "x3", "y1", "y2", "y3"]) {
        file += &format!("witness {name} {}\n", vkey(seed));
    }
    parse(&(file + rest))
}

fn parse(file: &str) -> Result<Policy, PolicyFault> {
    Policy::parse(file.as_bytes()).map_err(|error| error.fault)
}

fn cosigned(policy: &Policy, names: &[&str]) -> bool {
    let text = format!("{ORIGIN}\n7\n{}=\n", "A".repeat(43));
    let mut note = key().note(&text);
    for (seed, name) in (11..).zip(["x1", "x2", "x3", "y1", "y2", "y3"]) {
        if names.contains(&name) {
            note += &Witness::new(&format!("witness.example/{seed}"), seed).line(&text, 5);
        }
    }
    let Cosigned { cosignatures, .. } =
        open_checkpoint(note.as_bytes(), policy, None).expect("opens");
    policy.is_met_by(&cosignatures)
}

/// The example of the specification, with keys.
#[test]
fn two_levels_of_groups_count_as_the_specification_says() {
    let policy = six("group X-witnesses 2 x1 x2 x3\ngroup Y-witnesses any y1 y2 y3\n\
         group X-and-Y all X-witnesses Y-witnesses\nquorum X-and-Y\n")
    .expect("a policy");
    assert!(cosigned(&policy, &["x1", "x3", "y2"]));
    assert!(cosigned(&policy, &["x1", "x2", "x3", "y1", "y2", "y3"]));
    for names in [&["x1", "x2"][..], &["x1", "y1", "y2", "y3"], &["x1", "x2", "x3"], &[]] {
        assert!(!cosigned(&policy, names), "{names:?}");
    }
}

#[test]
fn fewest_witnesses_that_make_the_quorum_are_chosen_among_those_given() {
    let policy = six("group pair all x1 x2\ngroup ys 2 y1 y2 y3\ngroup any-of any pair ys x3\n\
         group both all any-of\nquorum both\n")
    .expect("a policy");
    let ids: Vec<_> = policy.witness_ids().collect();
    let least = |numbers: &[usize]| {
        let given = numbers.iter().map(|at| Cosignature { witness: ids[*at], time_seconds: 0 });
        let chosen = policy.least_quorum(&given.collect::<Vec<_>>());
        chosen.map(|chosen| {
            chosen
                .iter()
                .map(|id| ids.iter().position(|known| known == id).expect("known"))
                .collect::<Vec<_>>()
        })
    };
    assert_eq!(least(&[0, 1, 2, 3, 4, 5]), Some(vec![2]), "one is fewer than two");
    assert_eq!(least(&[0, 1, 3, 4, 5]), Some(vec![0, 1]), "the first of two that are as few");
    assert_eq!(least(&[0, 4, 5]), Some(vec![4, 5]));
    assert_eq!(least(&[0, 4]), None);
    let none = six("quorum none\n").expect("a policy");
    assert_eq!(none.least_quorum(&[]), Some(Vec::new()));
}

#[test]
fn quorum_may_be_one_witness_or_none() {
    let one = six("quorum y2\n").expect("a policy");
    assert!(one.asks_for_witnesses());
    assert!(cosigned(&one, &["y2"]) && !cosigned(&one, &["y1", "x1"]));
    let none = six("quorum none\n").expect("a policy");
    assert!(!none.asks_for_witnesses() && cosigned(&none, &[]));
    let no_logs = parse("quorum none\n").expect("logs may be known from elsewhere");
    assert!(no_logs.logs().is_empty());
}

#[test]
fn space_comments_and_addresses_are_taken() {
    let file = format!(
        "# whom we trust\n\n \t \n\tlog\t{}  https://vault.example/log \n   # indented\n\
         witness \u{7f51}\u{683c} {} https://witness.example/\nquorum \u{7f51}\u{683c}\n",
        key().vkey(),
        vkey(11)
    );
    let policy = parse(&file).expect("a policy");
    assert_eq!(policy.logs()[0].url.as_deref(), Some("https://vault.example/log"));
    assert_eq!(policy.witnesses()[0].url.as_deref(), Some("https://witness.example/"));
    assert_eq!(policy.witnesses()[0].name, "\u{7f51}\u{683c}");
}

#[test]
fn names_are_bytes_and_need_not_be_text() {
    let file = [b"witness \xff\xfe ", vkey(11).as_bytes(), b"\nquorum \xff\xfe\n"].concat();
    assert!(Policy::parse(&file).is_ok());
    // K and the Kelvin sign are two names.
    let file = format!("witness K {}\nquorum \u{212a}\n", vkey(11));
    assert_eq!(parse(&file), Err(PolicyFault::NameUnknown));
}

#[test]
fn each_wrong_line_is_named() {
    let cases = [
        ("", PolicyFault::QuorumMissing),
        ("quorum none", PolicyFault::Unterminated),
        ("quorum none\nquorum none\n", PolicyFault::QuorumTwice),
        ("quorum\n", PolicyFault::Form),
        ("quorum none more\n", PolicyFault::Form),
        ("quorum x9\n", PolicyFault::NameUnknown),
        ("quorums none\n", PolicyFault::Form),
        ("quorum none\r\n", PolicyFault::ControlCharacter),
        ("quorum none\u{7f}\n", PolicyFault::ControlCharacter),
        ("quorum\0none\n", PolicyFault::ControlCharacter),
        ("group g 1\n", PolicyFault::Form),
        ("group g 0 x1\n", PolicyFault::Threshold),
        ("group g 2 x1\n", PolicyFault::Threshold),
        ("group g 01 x1\n", PolicyFault::Threshold),
        ("group g +1 x1\n", PolicyFault::Threshold),
        ("group g most x1\n", PolicyFault::Threshold),
        ("group g 18446744073709551617 x1\n", PolicyFault::Threshold),
        ("group g any x1 x9\n", PolicyFault::NameUnknown),
        ("group g any none\n", PolicyFault::NameUnknown),
        ("group g any g\n", PolicyFault::NameUnknown),
        ("group none any x1\n", PolicyFault::NameTaken),
        ("group x1 any x2\n", PolicyFault::NameTaken),
        ("group g any x1 x1\n", PolicyFault::MemberTwice),
        ("group g any x1\ngroup h any x1\n", PolicyFault::MemberTwice),
        ("group g any x1\ngroup h any g\ngroup i any g\n", PolicyFault::MemberTwice),
        ("witness x1 +\n", PolicyFault::Key(KeyError::Malformed)),
    ];
    for (rest, expected) in cases {
        assert_eq!(six(rest), Err(expected), "{rest:?}");
    }
    let error = Policy::parse(b"# one\nquorum x\n").expect_err("unknown name");
    assert_eq!(error.line, 2);
}

#[test]
fn keys_belong_where_they_stand() {
    let of_log = key().vkey();
    assert_eq!(
        parse(&format!("witness w {of_log}\nquorum w\n")),
        Err(PolicyFault::Key(KeyError::TypeUnknown))
    );
    assert_eq!(
        parse(&format!("log {}\nquorum none\n", vkey(11))),
        Err(PolicyFault::Key(KeyError::TypeUnknown))
    );
}

#[test]
fn one_key_is_no_two_witnesses_whatever_its_names() {
    let again = Witness::new("witness.example/another-name", 11).vkey();
    let file = format!("witness a {}\nwitness b {again}\ngroup g all a b\nquorum g\n", vkey(11));
    assert_eq!(parse(&file), Err(PolicyFault::DuplicateKey));
    let again = Key::new("other.example/log", 1).vkey();
    assert_eq!(
        parse(&format!("log {}\nlog {again}\nquorum none\n", key().vkey())),
        Err(PolicyFault::DuplicateKey)
    );
    let same_name = format!("witness a {}\nwitness a {}\nquorum a\n", vkey(11), vkey(12));
    assert_eq!(parse(&same_name), Err(PolicyFault::NameTaken));
}

#[test]
fn most_definitions_are_taken_and_one_more_is_not() {
    let many = |count: usize| -> String {
        let witness = |n: usize| {
            let mut seed = [0; 32];
            seed[0] = n as u8;
            let pair = ring::signature::Ed25519KeyPair::from_seed_unchecked(&seed).expect("a seed");
            format!("witness w{n} {}\n", Witness::of(&format!("w{n}"), pair).vkey())
        };
        (0..count).map(witness).collect::<String>() + "quorum w0\n"
    };
    assert!(parse(&many(POLICY_DEFINITIONS_MAX)).is_ok());
    assert_eq!(parse(&many(POLICY_DEFINITIONS_MAX + 1)), Err(PolicyFault::TooMany));
    let comment = |bytes: usize| format!("#{}\nquorum none\n", "c".repeat(bytes));
    assert!(parse(&comment(POLICY_BYTES_MAX - 14)).is_ok());
    assert_eq!(parse(&comment(POLICY_BYTES_MAX - 13)), Err(PolicyFault::TooLong));
}
