//! A vault that a PKCS#11 token opens: made, opened, refused a wrong PIN, sealed when the token is taken out.
//! Never a token of the host: SoftHSM2 keeps one in the campaign's own folder.
//! Taking it out is moving its files away, under the running vault.

use crate::client::{Ask, Client};
use crate::fault::Fault;
use crate::tally::Tally;
use crate::vault::{Programs, end, new_folder};
use gridvault_audit::LogReader;
use serde_json::Value;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

const ORIGIN: &str = "pkcs11.gridvault.invalid/log";
const LABEL: &str = "gridvault";
/// PINs of a token that lives as long as the campaign.
const PIN: &str = "246813";
const WRONG_PIN: &str = "135792";
const OFFICER_PIN: &str = "97531864";
/// Where distributions put the library.
const LIBRARIES: [&str; 4] = [
    "/usr/lib/softhsm/libsofthsm2.so",
    "/usr/lib/x86_64-linux-gnu/softhsm/libsofthsm2.so",
    "/usr/lib/aarch64-linux-gnu/softhsm/libsofthsm2.so",
    "/usr/lib64/pkcs11/libsofthsm2.so",
];
/// A vault is sealed so long after its token was taken out.
const SEALED_TIME_MAX: Duration = Duration::from_secs(1);
/// Longest wait for anything else.
const WAIT_TIME_MAX: Duration = Duration::from_secs(60);
/// How often is looked.
const POLL: Duration = Duration::from_millis(5);

/// Options of the campaign.
#[derive(clap::Args)]
pub struct Arguments {
    #[command(flatten)]
    programs: Programs,
}

/// Runs the campaign.
pub fn run(arguments: &Arguments, tally: &mut Tally) -> Result<(), Fault> {
    let folder = new_folder()?;
    let bench = Bench::make(folder.path(), arguments.programs.vault()?)?;
    let codes = bench.init(tally)?;
    bench.wrong_pin_in_a_file(tally)?;
    bench.wrong_pin_by_hand(tally)?;
    let vault = bench.serve()?;
    bench.take_out(&vault, tally)?;
    vault.stop()?;
    bench.rotate(tally)?;
    let vault = bench.serve()?;
    bench.expect(&vault, PIN, (0, "the vault is open"), "by it the vault opens", tally)?;
    bench.other_ways_while_it_serves(&vault, &codes, tally)?;
    vault.stop()?;
    bench.judge_log(tally)
}

/// A token, and where its vault is made.
struct Bench {
    folder: PathBuf,
    program: PathBuf,
    library: &'static str,
}

/// A vault that is served. Dropped, it is killed.
struct Running {
    child: Child,
    client: Client,
    url: String,
}

impl Bench {
    fn make(folder: &Path, program: PathBuf) -> Result<Bench, Fault> {
        let library = LIBRARIES.into_iter().find(|path| Path::new(path).is_file());
        let library = library.ok_or(Fault::ToolMissing("libsofthsm2.so (package softhsm2)"))?;
        let bench = Bench { folder: folder.to_owned(), program, library };
        let tokens = bench.path("tokens");
        std::fs::create_dir(&tokens).map_err(|error| Fault::io("making", &tokens, error))?;
        let conf = format!(
            "directories.tokendir = {}\nobjectstore.backend = file\nslots.removable = true\n",
            tokens.display()
        );
        bench.write("softhsm2.conf", &conf)?;
        bench.write("pin", &format!("{PIN}\n"))?;
        bench.write("wrong-pin", &format!("{WRONG_PIN}\n"))?;
        let mut tool = bench.command("softhsm2-util");
        tool.args(["--init-token", "--free", "--label", LABEL]);
        tool.args(["--so-pin", OFFICER_PIN, "--pin", PIN]);
        succeeded(tool.output().map_err(|_| Fault::ToolMissing("softhsm2-util"))?)?;
        Ok(bench)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    fn write(&self, name: &str, text: &str) -> Result<(), Fault> {
        let path = self.path(name);
        std::fs::write(&path, text).map_err(|error| Fault::io("writing", &path, error))
    }

    fn command(&self, program: impl AsRef<std::ffi::OsStr>) -> Command {
        let mut command = Command::new(program);
        command.env("SOFTHSM2_CONF", self.path("softhsm2.conf")).stdin(Stdio::null());
        command
    }

    fn vault(&self, arguments: &[&str]) -> Command {
        let mut command = self.command(&self.program);
        command.args(arguments);
        command
    }

    fn output(&self, mut command: Command) -> Result<Output, Fault> {
        command.output().map_err(|error| Fault::io("starting", &self.program, error))
    }

    /// What a command says that reads one line.
    fn told(&self, mut command: Command, line: &str) -> Result<Output, Fault> {
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let fail = |error| Fault::io("starting", &self.program, error);
        let mut child = command.spawn().map_err(fail)?;
        if let Some(mut input) = child.stdin.take() {
            writeln!(input, "{line}").map_err(fail)?;
        }
        child.wait_with_output().map_err(fail)
    }

    /// Gives the codes of the three administrators.
    fn init(&self, tally: &mut Tally) -> Result<Vec<String>, Fault> {
        let mut command = self.vault(&["--json", "init", "--origin", ORIGIN, "--system-admin"]);
        command.args(["sys", "--security-admin", "sec", "--audit-admin", "aud", "--dir"]);
        command.arg(self.path("vault")).args(["--pkcs11-module", self.library]);
        command.args(["--token-label", LABEL, "--pin-file"]).arg(self.path("pin"));
        let made = succeeded(self.output(command)?)?;
        let made: Value = serde_json::from_slice(&made.stdout).unwrap_or_default();
        let codes = made["administrators"].as_array().into_iter().flatten();
        let codes = codes.map(|one| one["code"].as_str().unwrap_or_default().to_owned()).collect();
        let objects = self.log_in_by_its_own_tool()?;
        let kept = ["sensitive", "always sensitive", "never extractable", "local"];
        let kept = kept.iter().all(|word| objects.contains(word));
        let said = "the token says of its key that it was made there and never leaves".to_owned();
        tally.check("init makes a key in the token", if kept { Ok(said) } else { Err(objects) });
        Ok(codes)
    }

    /// Logs in with the right PIN: what came before is forgotten by the token. Gives what it holds.
    fn log_in_by_its_own_tool(&self) -> Result<String, Fault> {
        let mut tool = self.command("pkcs11-tool");
        tool.args(["--module", self.library, "--token-label", LABEL, "--login", "--pin", PIN]);
        let listed = tool.arg("--list-objects").output();
        let listed = listed.map_err(|_| Fault::ToolMissing("pkcs11-tool (package opensc)"))?;
        Ok(String::from_utf8_lossy(&succeeded(listed)?.stdout).into_owned())
    }

    /// A service that is started again and again with a wrong PIN gives it to the token once.
    fn wrong_pin_in_a_file(&self, tally: &mut Tally) -> Result<(), Fault> {
        let config = self.path("vault/config");
        let text = std::fs::read_to_string(&config);
        let text = text.map_err(|error| Fault::io("reading", &config, error))?;
        let open = text.replace("start_sealed = true", "start_sealed = false");
        self.write("vault/config", &open)?;
        let started = |pin: &str| {
            let mut command = self.vault(&["serve", "--listen", "127.0.0.1:0", "--dir"]);
            command.arg(self.path("vault")).arg("--pin-file").arg(self.path(pin));
            let output = self.output(command)?;
            let said = String::from_utf8_lossy(&output.stderr).into_owned();
            Ok::<_, Fault>((output.status.code(), said))
        };
        let (first, said) = started("wrong-pin")?;
        let told = first == Some(1) && said.contains("PIN is wrong");
        tally.holds("a wrong PIN in a file ends the start", told, said);
        for pin in ["wrong-pin", "pin"] {
            let (again, said) = started(pin)?;
            let refused = again == Some(1) && said.contains("a wrong PIN came before");
            let said = said.trim().to_owned();
            tally.holds("no other is given to the token", refused, said);
        }
        self.log_in_by_its_own_tool()?;
        self.write("vault/config", &text)
    }

    fn serve(&self) -> Result<Running, Fault> {
        let mut command = self.vault(&["serve", "--listen", "127.0.0.1:0", "--dir"]);
        let errors = self.path("vault.err");
        let file = std::fs::File::create(&errors).map_err(|e| Fault::io("making", &errors, e))?;
        command.arg(self.path("vault")).stdout(Stdio::piped()).stderr(file);
        let mut child =
            command.spawn().map_err(|error| Fault::io("starting", &self.program, error))?;
        let mut line = String::new();
        if let Some(out) = child.stdout.take() {
            let read = BufReader::new(out).read_line(&mut line);
            read.map_err(|error| Fault::io("listening to", &self.program, error))?;
        }
        let Some(url) = line.trim().strip_prefix("sealed on").map(|url| url.trim().to_owned())
        else {
            end(&mut child);
            return Err(Fault::Refused(crate::vault::tail(&errors)));
        };
        Ok(Running { child, client: Client::new(&url), url })
    }

    /// Brings a PIN by the command line; gives its exit status and what it said.
    fn bring(&self, vault: &Running, pin: &str) -> Result<(Option<i32>, String), Fault> {
        let command = self.vault(&["unseal", "--pin", "--url", &vault.url]);
        let output = self.told(command, pin)?;
        let said = [output.stdout, output.stderr].concat();
        Ok((output.status.code(), String::from_utf8_lossy(&said).trim().to_owned()))
    }

    /// Brings a PIN and judges what is said.
    fn expect(
        &self,
        vault: &Running,
        pin: &str,
        told: (i32, &str),
        what: &str,
        tally: &mut Tally,
    ) -> Result<(), Fault> {
        let (ended, said) = self.bring(vault, pin)?;
        let so = ended == Some(told.0) && said.contains(told.1);
        tally.holds(what, so, said);
        Ok(())
    }

    fn wrong_pin_by_hand(&self, tally: &mut Tally) -> Result<(), Fault> {
        let vault = self.serve()?;
        let (wrong, spent) = ((1, "denied (403)"), (1, "pin: wrong_before"));
        self.expect(&vault, WRONG_PIN, wrong, "a wrong PIN opens nothing", tally)?;
        self.expect(&vault, PIN, spent, "no other is given to the token", tally)?;
        self.log_in_by_its_own_tool()?;
        // The process remembers it too: not every token does.
        self.expect(&vault, PIN, spent, "nor by this process any more", tally)?;
        vault.stop()
    }

    /// Takes the token out of the open vault, and puts it back.
    fn take_out(&self, vault: &Running, tally: &mut Tally) -> Result<(), Fault> {
        let open = (0, "the vault is open");
        self.expect(vault, PIN, open, "the token opens the vault", tally)?;
        let (tokens, away) = (self.path("tokens"), self.path("away"));
        let moved = |from: &Path, to: &Path| {
            std::fs::rename(from, to).map_err(|error| Fault::io("moving", from, error))
        };
        let process = vault.child.id();
        moved(&tokens, &away)?;
        let taken = Instant::now();
        vault.await_sealed()?;
        let after = taken.elapsed();
        let said = format!("after {} ms, process {process}", after.as_millis());
        let in_time = after <= SEALED_TIME_MAX;
        tally.holds("taken out, the vault is sealed", in_time, said);
        let absent = (1, "pin: token_absent");
        self.expect(vault, PIN, absent, "without the token nothing opens it", tally)?;
        moved(&away, &tokens)?;
        self.expect(vault, PIN, open, "with it again it opens", tally)
    }

    /// Another root key, which the token opens and makes its way to.
    fn rotate(&self, tally: &mut Tally) -> Result<(), Fault> {
        let before = self.keys_in_token()?;
        let mut command = self.vault(&["keys", "rotate-root", "--unsigned", "--dir"]);
        command.arg(self.path("vault")).arg("--pin-file").arg(self.path("pin"));
        let reader = LogReader::open(&self.path("vault/log"), ORIGIN)?;
        let mut persons = Vec::new();
        for index in 0..reader.size()? {
            let entry: Value = serde_json::from_slice(&reader.entry(index)?).unwrap_or_default();
            if let (Some("enrol"), Some(person)) =
                (entry["act"].as_str(), entry["x"]["actor"].as_str())
            {
                persons.push(person.to_owned());
            }
        }
        for person in persons.iter().take(2) {
            command.args(["--person", person]);
        }
        let said = succeeded(self.output(command)?)?;
        let said = String::from_utf8_lossy(&said.stdout).trim().to_owned();
        let made = self.keys_in_token()? == before + 1;
        tally.holds("the token makes its way to another root key", made, said);
        Ok(())
    }

    /// Another root key by the token, a passphrase beside it, and the token no way any more, all while the vault serves that the token
    /// opened. What is no way any more keeps nothing closed: it is taken out, and the vault goes on.
    fn other_ways_while_it_serves(
        &self,
        vault: &Running,
        codes: &[String],
        tally: &mut Tally,
    ) -> Result<(), Fault> {
        self.write("passphrase", "a passphrase beside the token\n")?;
        for (code, key) in codes.iter().zip(["sys.key", "sec.key"]) {
            let mut command = self.vault(&["enrol", "--url", &vault.url, "--key"]);
            command.arg(self.path(key)).arg("--out").arg(self.path(&format!("{key}.token")));
            succeeded(self.told(command, code)?)?;
        }
        let before = self.keys_in_token()?;
        self.change_ways(vault, "rotate-root", &["rotate-root"], "pin")?;
        let add = ["provider", "add", "passphrase", "--new-passphrase-file"];
        let passphrase = self.path("passphrase");
        let add: Vec<&str> = add.into_iter().chain(passphrase.to_str()).collect();
        self.change_ways(vault, "add-passphrase", &add, "pin")?;
        let made = self.keys_in_token()? == before + 1;
        let said = "another root key by the token, and a passphrase beside it".to_owned();
        tally.holds("ways change while it serves", made, said);
        self.change_ways(vault, "remove-token", &["provider", "remove", "token"], "passphrase")?;
        let (tokens, away) = (self.path("tokens"), self.path("away"));
        std::fs::rename(&tokens, &away).map_err(|e| Fault::io("moving", &tokens, e))?;
        std::thread::sleep(2 * SEALED_TIME_MAX);
        let status = vault.client.send(&Ask::open("GET", "/readyz"))?.status;
        std::fs::rename(&away, &tokens).map_err(|e| Fault::io("moving", &away, e))?;
        let said = format!("taken out, /readyz says {status}");
        let what = "a token that is no way any more keeps nothing closed";
        tally.holds(what, status == 200, said);
        Ok(())
    }

    /// An act over the ways of a vault that is open, on the word of two who sign for it. It is opened by what lies in a file.
    fn change_ways(
        &self,
        vault: &Running,
        what: &str,
        words: &[&str],
        by: &str,
    ) -> Result<(), Fault> {
        let request = self.path(&format!("{what}.request"));
        let mut command = self.vault(&["keys", "request", what, "--dir"]);
        command.arg(self.path("vault")).arg("--out").arg(&request);
        succeeded(self.output(command)?)?;
        for key in ["sys.key", "sec.key"] {
            let mut command = self.vault(&["keys", "agree"]);
            command.arg(&request).args([what, "--key"]).arg(self.path(key));
            succeeded(self.output(command)?)?;
        }
        let mut command = self.vault(&["keys"]);
        command.args(words).arg("--dir").arg(self.path("vault")).arg("--agreed").arg(&request);
        command.arg(format!("--{by}-file")).arg(self.path(by));
        command.args(["--running", "--url", &vault.url, "--token-file"]);
        command.arg(self.path("sys.key.token"));
        succeeded(self.output(command)?).map(drop)
    }

    /// How many keys of vaults the token holds: those of former root keys too.
    fn keys_in_token(&self) -> Result<usize, Fault> {
        Ok(self.log_in_by_its_own_tool()?.matches("gridvault root").count())
    }

    fn judge_log(&self, tally: &mut Tally) -> Result<(), Fault> {
        let reader = LogReader::open(&self.path("vault/log"), ORIGIN)?;
        let mut said = Vec::new();
        for index in 0..reader.size()? {
            let entry: Value = serde_json::from_slice(&reader.entry(index)?).unwrap_or_default();
            let word = |value: &Value| value.as_str().unwrap_or_default().to_owned();
            if entry["x"]["provider"] == "pkcs11" {
                said.push(format!("{}.{}", word(&entry["ev"]), word(&entry["act"])));
            }
        }
        // What was wrong while the first process waited went with it: it was never opened.
        let opened = ["key.create", "sys.unseal", "sys.seal", "sys.unseal"];
        let turned = ["key.create", "sys.unseal", "key.create"];
        let told = said == [&opened[..], &turned].concat();
        let said = said.join(", ");
        tally.holds("the log tells of the token", told, said);
        Ok(())
    }
}

impl Running {
    /// Waits until the vault says that it is sealed.
    fn await_sealed(&self) -> Result<(), Fault> {
        let started = Instant::now();
        loop {
            let reply = self.client.send(&Ask::open("GET", "/readyz"));
            let sealed =
                |body: &[u8]| String::from_utf8_lossy(body).contains("\"code\":\"sealed\"");
            if reply.is_ok_and(|reply| reply.status == 503 && sealed(&reply.body)) {
                return Ok(());
            }
            if started.elapsed() > WAIT_TIME_MAX {
                return Err(Fault::OutOfTime { what: "sealing", limit: WAIT_TIME_MAX });
            }
            std::thread::sleep(POLL);
        }
    }

    /// Asks it to stop and waits until it has.
    fn stop(mut self) -> Result<(), Fault> {
        let id = self.child.id().to_string();
        let asked = Command::new("kill").args(["-TERM", &id]).status();
        asked.map_err(|error| Fault::io("starting", "kill".as_ref(), error))?;
        let started = Instant::now();
        while self
            .child
            .try_wait()
            .map_err(|e| Fault::io("waiting for", "it".as_ref(), e))?
            .is_none()
        {
            if started.elapsed() > WAIT_TIME_MAX {
                return Err(Fault::OutOfTime {
                    what: "the end of the vault",
                    limit: WAIT_TIME_MAX,
                });
            }
            std::thread::sleep(POLL);
        }
        Ok(())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        end(&mut self.child);
    }
}

fn succeeded(output: Output) -> Result<Output, Fault> {
    if output.status.success() {
        return Ok(output);
    }
    let said = [output.stdout, output.stderr].concat();
    Err(Fault::Refused(String::from_utf8_lossy(&said).trim().to_owned()))
}
