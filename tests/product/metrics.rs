//! The numbers for an operator: on a listener of their own, without a token, and without anybody in them.
//! Never on the door that callers use.
//! The vault is a real one; its configuration is edited as an operator would.

use super::bodies::REGISTRATION;
use super::client::{Call, Reply};
use super::harness::Demo;
use super::program::run;
use std::collections::BTreeSet;

/// How many sockets a process listens on, as the system has it.
fn listening_count(process: u32) -> usize {
    let items = std::fs::read_dir(format!("/proc/{process}/fd")).expect("what it has open");
    let open = items.filter_map(|item| std::fs::read_link(item.ok()?.path()).ok());
    let open: BTreeSet<String> = open.map(|path| path.display().to_string()).collect();
    let listening = ["tcp", "tcp6"].map(|kind| {
        let table = std::fs::read_to_string(format!("/proc/{process}/net/{kind}"));
        let table = table.expect("the system's sockets");
        // Its state is the fourth word, its number the tenth.
        let lines = table.lines().map(|line| line.split_whitespace().collect::<Vec<_>>());
        let lines = lines.filter(|words| words.get(3) == Some(&"0A"));
        lines.filter(|words| open.contains(&format!("socket:[{}]", words[9]))).count()
    });
    listening.iter().sum()
}

fn value(reply: &Reply, name: &str) -> Option<f64> {
    let mut lines = reply.text.lines();
    let line = lines.find_map(|line| line.strip_prefix(name)?.strip_prefix(' '))?;
    Some(line.parse().expect("a number"))
}

#[test]
fn metrics_tell_how_the_vault_does_and_nothing_of_anybody() {
    let mut demo = Demo::own();
    assert_eq!(demo.stop(), Some(0));
    demo.with_metrics();
    demo.start_again();
    assert_eq!(listening_count(demo.process()), 2, "the door, and the numbers");
    let worker = demo.worker(1);
    worker.read(demo.sample_record(), "name", REGISTRATION).expect(200);
    let refused = worker.read(demo.sample_record(), "id_number", REGISTRATION);
    let _published = demo.entry(refused.refused(403, "denied").index());
    let url = demo.metrics_url();
    let get = |path: &str| Call::new("GET", format!("{url}{path}")).send();
    let reply = get("/metrics").expect(200);
    assert!(reply.header("content-type").starts_with("application/openmetrics-text"));
    assert!(reply.text.ends_with("# EOF\n"), "{}", reply.text);
    let size = demo.log().size().expect("a checkpoint") as f64;
    let of =
        |name: &str| value(&reply, name).unwrap_or_else(|| panic!("no {name}: {}", reply.text));
    assert!(of("gridvault_log_entries_total") >= size - 1.0, "{}", reply.text);
    assert!(of("gridvault_refusals_total") >= 1.0);
    assert!(of("gridvault_checkpoint_age_seconds") < 60.0);
    assert!(of("gridvault_start_time_seconds") > 1.7e9);
    assert!(of("gridvault_group_entries_count") >= 1.0);
    assert!(of("gridvault_group_entries_sum") >= of("gridvault_group_entries_count"));
    for (name, expected) in [("writable", 1.0), ("disk_low", 0.0), ("disk_spent", 0.0)] {
        assert_eq!(of(&format!("gridvault_{name}")), expected, "{name}");
    }
    for name in ["index_failing", "anomalies_failing", "retention_failing"] {
        assert_eq!(of(&format!("gridvault_{name}")), 0.0, "{name}");
    }
    for name in [
        "journal_unmarked_bytes",
        "log_unintegrated_bytes",
        "index_lag_entries",
        "anomalies_lag_entries",
    ] {
        assert!(of(&format!("gridvault_{name}")) >= 0.0, "{name}");
    }
    assert!(value(&reply, "gridvault_witness_lag_seconds").is_none(), "there are no witnesses");
    // The one label is the bound of a bucket.
    let labels = reply.text.lines().filter(|line| line.contains('{'));
    for line in labels {
        assert!(line.starts_with("gridvault_group_entries_bucket{le=\""), "{line}");
    }
    for actor in demo.actors() {
        assert!(!reply.text.contains(&actor.id) && !reply.text.contains(&actor.role));
    }
    assert!(!reply.text.contains(worker.grid()));
    get("/").expect(404);
    get("/v1/purposes").expect(404);
    Call::new("POST", format!("{url}/metrics")).send().expect(405);
    demo.get("/metrics").refused(401, "token_invalid");
    assert_eq!(demo.stop(), Some(0));
}

#[test]
fn metrics_are_off_unless_configured_and_never_beyond_loopback() {
    let mut demo = Demo::own();
    assert_eq!(listening_count(demo.process()), 1, "the door and nothing else");
    assert!(!demo.complaints().contains("/metrics"));
    assert_eq!(demo.stop(), Some(0));
    let directory = demo.directory().display().to_string();
    demo.configure("metrics_listen = \"0.0.0.0:0\"\n");
    let outcome = run(&["demo", "--listen", "127.0.0.1:0", "--dir", &directory]);
    assert_eq!(outcome.status, Some(1), "{outcome:?}");
    assert!(outcome.err.contains("metrics_listen"), "{outcome:?}");
}
