//! Whose tokens an import uses: one for everything, or one for each area, since a worker covers the own grid alone.
//! Never sends a line with a token of another area, and never prints a token.
//! The longest area that a grid lies in decides.

use crate::cli::failure::Failure;
use crate::limits::{IMPORT_HOLDERS_COUNT_MAX, IMPORT_TOKENS_BYTES_MAX, TOKEN_BYTES_MAX};
use base64::Engine as _;
use serde::Deserialize;
use std::collections::HashMap;
use std::path::Path;
use zeroize::Zeroizing;

/// Digits of a grid's code.
const GRID_DIGITS: usize = 16;

/// Somebody in whose name lines are stored.
pub(super) struct Holder {
    /// The area whose lines it stores; empty for all.
    pub(super) area: String,
    /// What proves it.
    pub(super) token: Zeroizing<String>,
    /// The actor that the token names, as far as it can be read.
    pub(super) actor: Option<String>,
}

/// All of them.
pub(super) struct Holders {
    list: Vec<Holder>,
    by_area: HashMap<String, usize>,
}

/// A line of the tokens' file.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Listed {
    area: String,
    token: String,
}

impl Holders {
    /// One for everything.
    pub(super) fn one(token: Zeroizing<String>) -> Result<Holders, Failure> {
        Holders::new(vec![(String::new(), token)])
    }

    /// Those of a file: a JSON object a line, `{"area": "8801020010010001", "token": "..."}`. The area is a grid, an
    /// exclusive unit, or any area above; `""` is everywhere.
    pub(super) fn read(file: &Path) -> Result<Holders, Failure> {
        let fail =
            |error: std::io::Error| Failure::failed("the tokens' file cannot be read", &error);
        let size = std::fs::metadata(file).map_err(fail)?.len();
        if size > IMPORT_TOKENS_BYTES_MAX {
            return Err(Failure::Usage("the tokens' file is too long".into()));
        }
        let text = std::fs::read_to_string(file).map(Zeroizing::new).map_err(fail)?;
        Holders::parse(&text)
    }

    fn parse(text: &str) -> Result<Holders, Failure> {
        let lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
        let listed = lines.map(|(at, line)| {
            // The cause is not shown: it could quote the token.
            let wrong =
                |what| Failure::Usage(format!("line {} of the tokens' file {what}", at + 1));
            let Listed { area, token } = serde_json::from_str(line)
                .map_err(|_| wrong(r#"is not {"area": "...", "token": "..."}"#))?;
            let is_area =
                area.len() <= GRID_DIGITS && area.bytes().all(|byte| byte.is_ascii_digit());
            if is_area { Ok((area, Zeroizing::new(token))) } else { Err(wrong("names no area")) }
        });
        Holders::new(listed.collect::<Result<_, Failure>>()?)
    }

    fn new(listed: Vec<(String, Zeroizing<String>)>) -> Result<Holders, Failure> {
        let mut holders = Holders { list: Vec::new(), by_area: HashMap::new() };
        if listed.is_empty() || listed.len() > IMPORT_HOLDERS_COUNT_MAX {
            let most = IMPORT_HOLDERS_COUNT_MAX;
            return Err(Failure::Usage(format!("give one token to {most} tokens")));
        }
        for (area, token) in listed {
            let token = Zeroizing::new(token.trim().to_owned());
            let is_token = !token.is_empty()
                && token.len() <= TOKEN_BYTES_MAX
                && token.bytes().all(|byte| byte.is_ascii_graphic());
            if !is_token {
                return Err(Failure::Usage(format!("what is given for \"{area}\" is no token")));
            }
            if holders.by_area.insert(area.clone(), holders.list.len()).is_some() {
                return Err(Failure::Usage(format!("\"{area}\" has two tokens")));
            }
            let actor = actor_of(&token);
            holders.list.push(Holder { area, token, actor });
        }
        Ok(holders)
    }

    /// Who stores the lines of a grid.
    pub(super) fn covering(&self, grid: &str) -> Option<usize> {
        let areas = (0..=grid.len().min(GRID_DIGITS)).rev().filter_map(|digits| grid.get(..digits));
        areas.filter_map(|area| self.by_area.get(area)).next().copied()
    }

    /// The holder of exactly that area.
    pub(super) fn of_area(&self, area: &str) -> Option<usize> {
        self.by_area.get(area).copied()
    }

    /// The holder with that number.
    pub(super) fn get(&self, number: usize) -> &Holder {
        &self.list[number]
    }
}

/// The subject of a token (RFC 7519), read without trust: it only tells one caller's batches from another's.
fn actor_of(token: &str) -> Option<String> {
    #[derive(Deserialize)]
    struct Claims {
        sub: String,
    }
    let payload = token.split('.').nth(1)?;
    let bytes = base64::prelude::BASE64_URL_SAFE_NO_PAD.decode(payload).ok()?;
    serde_json::from_slice::<Claims>(&bytes).ok().map(|claims| claims.sub)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn area_of(holders: &Holders, grid: &str) -> Option<String> {
        holders.covering(grid).map(|number| holders.get(number).area.clone())
    }

    #[test]
    fn the_longest_area_decides() {
        let text = "{\"area\":\"880102001\",\"token\":\"a\"}\n\n{\"area\":\"8801020010010001\",\"token\":\"b\"}\n";
        let holders = Holders::parse(text).expect("two tokens");
        assert_eq!(area_of(&holders, "8801020010010001").as_deref(), Some("8801020010010001"));
        assert_eq!(area_of(&holders, "8801020010010002").as_deref(), Some("880102001"));
        assert_eq!(area_of(&holders, "8801020020010002"), None);
        assert_eq!(area_of(&holders, ""), None);
        assert_eq!(area_of(&holders, "望澜区望澜区"), None);
        let one = Holders::one(Zeroizing::new("t\n".into())).expect("one token");
        assert_eq!(area_of(&one, "anything").as_deref(), Some(""));
        assert_eq!(*one.get(0).token, "t");
    }

    #[test]
    fn a_file_that_is_no_list_of_tokens_is_refused_without_showing_one() {
        for wrong in [
            "",
            "secret",
            "{\"area\":\"88\",\"token\":\"secret\",\"more\":1}",
            "{\"area\":\"88x\",\"token\":\"secret\"}",
            "{\"area\":\"88010200100100011\",\"token\":\"secret\"}",
            "{\"area\":\"88\",\"token\":\" \"}",
            "{\"area\":\"88\",\"token\":\"secret one\"}",
            "{\"area\":\"88\",\"token\":\"secret\"}\n{\"area\":\"88\",\"token\":\"secret\"}",
        ] {
            match Holders::parse(wrong) {
                Err(Failure::Usage(text)) => assert!(!text.contains("secret"), "{text}"),
                _ => panic!("{wrong} is taken"),
            }
        }
    }

    #[test]
    fn tokens_are_taken_up_to_the_limit() {
        let list = |count: usize| (0..count).map(|area| (area.to_string(), "t".to_owned().into()));
        assert!(Holders::new(list(IMPORT_HOLDERS_COUNT_MAX).collect()).is_ok());
        assert!(Holders::new(list(IMPORT_HOLDERS_COUNT_MAX + 1).collect()).is_err());
        let token = |length: usize| Holders::one("t".repeat(length).into());
        assert!(token(TOKEN_BYTES_MAX).is_ok());
        assert!(token(TOKEN_BYTES_MAX + 1).is_err());
    }

    #[test]
    fn the_actor_of_a_token_is_its_subject() {
        let claims = base64::prelude::BASE64_URL_SAFE_NO_PAD.encode("{\"sub\":\"a1\",\"exp\":1}");
        assert_eq!(actor_of(&format!("h.{claims}.s")).as_deref(), Some("a1"));
        assert_eq!(actor_of("opaque"), None);
        assert_eq!(actor_of("a.b.c"), None);
    }
}
