//! The strict form of signed checkpoints: each note here is rightly signed but for what its test says.

use gridvault_audit::constants::{NOTE_SIGNATURES_MAX, NOTE_TYPE_COSIGNATURE};
use gridvault_audit::verify::{Class, Head, open_note};

use crate::support::{Key, ORIGIN, key, line};

const ROOT: &str = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";

fn text(size: &str) -> String {
    format!("{ORIGIN}\n{size}\n{ROOT}\n")
}

fn open(note: &str) -> Result<Head, Class> {
    open_note(note.as_bytes(), &key().verifier()).map_err(|finding| finding.class)
}

#[test]
fn plain_note_is_accepted() {
    let head = open(&key().note(&text("7"))).expect("accepted");
    assert_eq!((head.origin.as_str(), head.size, head.root), (ORIGIN, 7, [0; 32]));
}

#[test]
fn sizes_are_canonical_and_below_two_to_the_63() {
    for size in ["0", "9223372036854775807"] {
        assert!(open(&key().note(&text(size))).is_ok(), "{size}");
    }
    for size in [
        "",
        "07",
        "00",
        "+7",
        "-7",
        "7 ",
        " 7",
        "0x7",
        "7.0",
        "9223372036854775808",
        "18446744073709551616",
    ] {
        assert_eq!(open(&key().note(&text(size))), Err(Class::NoteMalformed), "{size}");
    }
}

#[test]
fn texts_of_another_form_are_refused() {
    let texts = [
        text("7").replace('\n', "\r\n"),
        text("7").replace("log", "lo\0g"),
        text("7").replace("log", "lo\tg"),
        text("7").replace("log", "lo g"),
        text("7").replace(ORIGIN, ""),
        text("7") + "\n",
        text("7") + "extension\n",
        text("7").replace(&format!("{ROOT}\n"), ""),
        text("7").replace("AAA=", "AAB="),
        text("7").replace("AAA=", "AAA"),
        text("7").replace("AAA=", "AA=="),
        text("7").replace(ROOT, &ROOT.replace("A=", "-=")),
    ];
    for text in texts {
        assert_eq!(open(&key().note(&text)), Err(Class::NoteMalformed), "{text:?}");
    }
}

#[test]
fn notes_of_another_form_are_refused() {
    let good = key().note(&text("7"));
    let notes = [
        String::new(),
        good.trim_end().to_owned(),
        good.clone() + "\n",
        good.clone() + "x\n",
        good.replace("\n\n", "\n"),
        good.replace("\n\n", "\n\n\n"),
        good.replace('\u{2014}', "-"),
        good.replace("\u{2014} ", "\u{2014}"),
        good.replace("\u{2014} ", "\u{2014}  "),
        good.replace('\u{2014}', " \u{2014}"),
        good.strip_suffix("=\n").expect("padded").to_owned() + "\n",
        good.trim_end().to_owned() + " \n",
        good.replace('\n', "\r\n"),
        text("7") + "\n",
        format!("{good}\u{2014} other.example/log AAAA\n"),
        format!("{good}\u{2014} other.example/log AAAAAAA\n"),
        format!("{good}\u{2014} a+b AAAAAAAA\n"),
    ];
    for note in notes {
        assert_eq!(open(&note), Err(Class::NoteMalformed), "{note:?}");
    }
    let not_utf8 = [good.as_bytes(), &[0xff, b'\n']].concat();
    let finding = open_note(&not_utf8, &key().verifier()).expect_err("refused");
    assert_eq!(finding.class, Class::NoteMalformed);
}

#[test]
fn sixteen_signatures_are_accepted_and_seventeen_refused() {
    let text = text("7");
    let others = |count: usize| -> String {
        (0..count).map(|n| line("other.example/log", [n as u8; 4], &[1; 64])).collect()
    };
    let most = others(NOTE_SIGNATURES_MAX - 1);
    assert!(open(&format!("{text}\n{most}{}", key().line(&text))).is_ok());
    let more = others(NOTE_SIGNATURES_MAX);
    assert_eq!(open(&format!("{text}\n{more}{}", key().line(&text))), Err(Class::NoteMalformed));
}

#[test]
fn signatures_by_unknown_keys_are_ignored() {
    let text = text("7");
    let other = Key::new(ORIGIN, 2);
    let both = format!("{text}\n{}{}", other.line(&text), key().line(&text));
    assert!(open(&both).is_ok());
    assert_eq!(open(&other.note(&text)), Err(Class::KeyUnknown));
    let same_id = line("other.example/log", key().id(), &[1; 64]);
    assert_eq!(open(&format!("{text}\n{same_id}")), Err(Class::KeyUnknown));
}

#[test]
fn bad_signature_by_the_known_key_refuses_the_note_even_beside_a_good_one() {
    let text = text("7");
    for signature in [vec![1; 64], vec![1; 63], vec![1; 65], vec![1; 1]] {
        let bad = line(ORIGIN, key().id(), &signature);
        assert_eq!(open(&format!("{text}\n{bad}")), Err(Class::SignatureInvalid));
        assert_eq!(
            open(&format!("{text}\n{}{bad}", key().line(&text))),
            Err(Class::SignatureInvalid)
        );
    }
}

#[test]
fn key_whose_id_collides_does_not_pass() {
    let text = text("7");
    let forged = line(
        ORIGIN,
        key().id(),
        &gridvault_audit::NoteSigner::sign(&Key::new(ORIGIN, 2), text.as_bytes()),
    );
    assert_eq!(open(&format!("{text}\n{forged}")), Err(Class::SignatureInvalid));
}

#[test]
fn signature_whose_scalar_is_not_reduced_does_not_pass() {
    let text = text("7");
    let mut signature = gridvault_audit::NoteSigner::sign(&key(), text.as_bytes());
    // The group order L of RFC 8032, little end first: S + L has the same effect on the curve and is not canonical.
    let order: [u8; 32] = [
        0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde,
        0x14, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10,
    ];
    let mut carry = 0;
    for (byte, addend) in signature[32..].iter_mut().zip(order) {
        let sum = u16::from(*byte) + u16::from(addend) + carry;
        *byte = sum as u8;
        carry = sum >> 8;
    }
    assert_eq!(
        open(&format!("{text}\n{}", line(ORIGIN, key().id(), &signature))),
        Err(Class::SignatureInvalid)
    );
}

#[test]
fn signature_under_another_type_is_by_another_key() {
    let text = text("7");
    // The id that the same key has as a cosigner's.
    let public_key = gridvault_audit::NoteSigner::public_key(&key());
    let bytes = [ORIGIN.as_bytes(), b"\n", &[NOTE_TYPE_COSIGNATURE], &public_key].concat();
    let hash = ring::digest::digest(&ring::digest::SHA256, &bytes);
    let id = hash.as_ref()[..4].try_into().expect("four bytes");
    let signature = gridvault_audit::NoteSigner::sign(&key(), text.as_bytes());
    assert_eq!(open(&format!("{text}\n{}", line(ORIGIN, id, &signature))), Err(Class::KeyUnknown));
}
