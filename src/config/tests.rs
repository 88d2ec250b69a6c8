//! Requirements on the configuration: its defaults, its limits, and what is refused.

use super::*;

fn file() -> ConfigFile {
    toml::from_str("origin = \"vault.example/log\"").expect("a small file")
}

#[test]
fn defaults_fill_what_the_file_leaves_out() {
    let config = Config::check(Path::new("."), file(), &Overrides::default()).expect("checked");
    assert_eq!(config.listen.to_string(), LISTEN_DEFAULT);
    assert_eq!(config.store_cache_bytes, STORE_CACHE_BYTES);
    assert!(!config.synthetic);
}

#[test]
fn a_receiver_is_known_by_the_host_of_its_address_unless_it_has_another_name() {
    let text =
        "origin = \"a\"\n[syslog]\naddress = \"siem.example:6514\"\nauthorities = \"ca.pem\"";
    let file: ConfigFile = toml::from_str(text).expect("a file");
    let mut syslog = file.syslog.clone().expect("a receiver");
    assert_eq!((syslog.name(), syslog.format), ("siem.example", SyslogFormat::Cef));
    assert_eq!(syslog.confirmation, Confirmation::Tls);
    syslog.name = Some("other".to_owned());
    assert_eq!(syslog.name(), "other");
    assert!(toml::from_str::<ConfigFile>(&format!("{text}\npassword = \"x\"")).is_err());
    let written = toml::to_string(&file).expect("a file");
    assert_eq!(toml::from_str::<ConfigFile>(&written).expect("the same"), file);
}

#[test]
fn no_word_of_a_wrong_line_is_told_but_its_key() {
    let secret = "correct horse, expected battery";
    for (wrong, told) in [
        (format!("passphrase = \"{secret}\""), "`passphrase`"),
        (format!("passphrase = {secret}"), "unexpected key or value"),
        ("passphrase = correct".to_owned(), "string values must be quoted"),
        (format!("passphrase = \"{secret}"), "invalid"),
        (format!("listen \"{secret}\""), "key"),
        (format!("store_cache_bytes = \"{secret}\""), "u64"),
        (format!("start_sealed = \"{secret}\""), "a boolean"),
        (format!("syslog = \"{secret}\""), "struct Syslog"),
        (
            format!("[syslog]\naddress = \"a:1\"\nauthorities = \"a\"\nformat = \"{secret}\""),
            "`cef` or `ocsf`",
        ),
    ] {
        let text = format!("origin = \"vault.example/log\"\n{wrong}\n");
        let said = ConfigFile::parse(&text).expect_err(&wrong).to_string();
        let line = wrong.matches('\n').count() + 2;
        assert!(said.contains(&format!("line {line}: ")), "{said}");
        assert!(said.contains(told), "{said}");
        for word in ["correct", "horse", "battery"] {
            assert!(!said.contains(word), "{said}");
        }
    }
    assert_eq!(ConfigFile::parse("origin = \"vault.example/log\"").expect("a file"), file());
}

#[test]
fn what_a_sealed_start_needs_is_written_only_where_it_is_set() {
    let mut file = file();
    assert!(!toml::to_string(&file).expect("a file").contains("sealed"));
    (file.start_sealed, file.unseal_from_network) = (true, true);
    let written = toml::to_string(&file).expect("a file");
    assert_eq!(toml::from_str::<ConfigFile>(&written).expect("the same"), file);
    let config = Config::check(Path::new("."), file, &Overrides::default()).expect("checked");
    assert!(config.start_sealed && config.unseal_from_network);
}

#[test]
fn a_flag_wins_over_the_file() {
    let overrides = Overrides { listen: Some("127.0.0.1:0".to_owned()), ..Overrides::default() };
    let mut file = file();
    file.listen = Some("127.0.0.1:9".to_owned());
    let config = Config::check(Path::new("."), file, &overrides).expect("checked");
    assert_eq!(config.listen.port(), 0);
}

#[test]
fn an_origin_is_of_its_letters_and_no_longer_than_its_limit() {
    let fits = |origin: String| {
        let file = ConfigFile { origin, ..file() };
        Config::check(Path::new("."), file, &Overrides::default()).is_ok()
    };
    assert!(fits("x".repeat(ORIGIN_CHARACTERS_MAX)));
    assert!(!fits("x".repeat(ORIGIN_CHARACTERS_MAX + 1)));
    assert!(fits(format!("aZ9{ORIGIN_MARKS}")));
    for other in ["", "a b", "a#b", "ä", "a//b"] {
        assert!(!fits(other.to_owned()), "{other}");
    }
}

#[test]
fn every_key_has_its_row_in_the_guide_of_operators() {
    let guide = include_str!("../../docs/operating.md");
    let of_file = ("no_such_key = 1", "");
    let of_syslog = ("origin = \"a\"\n[syslog]\nno_such_key = 1", "syslog.");
    for (text, before) in [of_file, of_syslog] {
        let error = toml::from_str::<ConfigFile>(text).expect_err("no such key").to_string();
        let (_, keys) = error.split_once("expected one of").expect("the keys that there are");
        let keys: Vec<&str> = keys.split('`').skip(1).step_by(2).collect();
        assert!(keys.len() > 5, "{error}");
        for key in keys.into_iter().filter(|key| *key != "syslog") {
            assert!(guide.contains(&format!("`{before}{key}`")), "{before}{key}");
        }
    }
}

#[test]
fn an_unknown_key_is_an_error() {
    let text = "origin = \"a\"\npassphrase = \"secret in a file that is no place for it\"";
    assert!(toml::from_str::<ConfigFile>(text).is_err());
}

#[test]
fn values_that_make_no_sense_are_refused() {
    let broken = |change: fn(&mut ConfigFile)| {
        let mut file = file();
        change(&mut file);
        Config::check(Path::new("."), file, &Overrides::default()).is_err()
    };
    assert!(broken(|file| {
        let text = "address = \"siem:6514\"\nauthorities = \"ca.pem\"\nkey = \"key.pem\"";
        file.syslog = Some(toml::from_str(text).expect("a table"));
    }));
    assert!(broken(|file| {
        (file.start_sealed, file.pin_file) = (true, Some("pin".into()));
    }));
    assert!(broken(|file| {
        (file.start_sealed, file.listen) = (true, Some("[::1]:8480".into()));
    }));
    assert!(!broken(|file| {
        (file.start_sealed, file.listen) = (true, Some("[::1]:8480".into()));
        file.unseal_from_network = true;
    }));
    assert!(broken(|file| file.pkcs11_module = Some("libsofthsm2.so".into())));
    assert!(broken(|file| {
        (file.start_sealed, file.passphrase_file) = (true, Some("passphrase".into()));
    }));
    assert!(broken(|file| file.origin = "https://vault".to_owned()));
    assert!(broken(|file| file.origin = String::new()));
    assert!(broken(|file| file.listen = Some("everywhere".to_owned())));
    assert!(broken(|file| file.store_cache_bytes = Some(1)));
    assert!(broken(|file| file.journal_segment_bytes = Some(SEGMENT_BYTES_MIN - 1)));
    assert!(!broken(|file| file.journal_segment_bytes = Some(SEGMENT_BYTES_MAX)));
    assert!(broken(|file| file.journal_segment_bytes = Some(SEGMENT_BYTES_MAX + 1)));
    let least = SNAPSHOT_JOURNAL_BYTES_MIN;
    for (bytes, fits) in [(least - 1, false), (least, true)] {
        let file = ConfigFile { snapshot_journal_bytes: Some(bytes), ..file() };
        assert_eq!(snapshots(&file).is_ok(), fits);
    }
    for bytes in [SNAPSHOT_JOURNAL_BYTES_MAX, SNAPSHOT_JOURNAL_BYTES_MAX + 1] {
        let file = ConfigFile { snapshot_journal_bytes: Some(bytes), ..file() };
        assert_eq!(snapshots(&file).is_ok(), bytes == SNAPSHOT_JOURNAL_BYTES_MAX);
    }
    assert!(broken(|file| file.snapshots_kept = Some(0)));
    assert!(!broken(|file| file.snapshots_kept = Some(1)));
    assert!(!broken(|file| file.snapshots_kept = Some(32)));
    assert!(broken(|file| file.snapshots_kept = Some(33)));
    for address in ["0.0.0.0:9480", "192.0.2.1:9480", "localhost", "[::]:9480"] {
        let mut file = file();
        file.metrics_listen = Some(address.to_owned());
        assert!(Config::check(Path::new("."), file, &Overrides::default()).is_err());
    }
    assert!(!broken(|file| file.metrics_listen = Some("[::1]:9480".to_owned())));
    assert!(broken(|file| file.audit_retention_months = Some(5)));
    assert!(!broken(|file| file.audit_retention_months = Some(6)));
    assert!(!broken(|file| file.audit_retention_months = Some(1_200)));
    assert!(broken(|file| file.audit_retention_months = Some(1_201)));
    assert!(broken(|file| file.scrub_rest_seconds = Some(0)));
    assert!(!broken(|file| file.scrub_rest_seconds = Some(1)));
    assert!(!broken(|file| file.scrub_rest_seconds = Some(86_400)));
    assert!(broken(|file| file.scrub_rest_seconds = Some(86_401)));
    assert!(broken(|file| file.expiry_rest_seconds = Some(0)));
    assert!(!broken(|file| file.expiry_rest_seconds = Some(1)));
    assert!(!broken(|file| file.expiry_rest_seconds = Some(86_400)));
    assert!(broken(|file| file.expiry_rest_seconds = Some(86_401)));
    assert!(broken(|file| file.erasure_ledger = Some("erasures".into())));
    assert!(!broken(|file| file.erasure_ledger = Some("/mnt/second/erasures".into())));
    assert!(broken(|file| file.rotation_percent = Some(0)));
    assert!(!broken(|file| file.rotation_percent = Some(1)));
    assert!(!broken(|file| file.rotation_percent = Some(100)));
    assert!(broken(|file| file.rotation_percent = Some(101)));
    assert!(broken(|file| file.witness_age_seconds_max = Some(119)));
    assert!(!broken(|file| file.witness_age_seconds_max = Some(120)));
}
