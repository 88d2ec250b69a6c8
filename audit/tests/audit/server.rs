//! Serves the files of a directory over HTTP, one request a connection, bundles to the bearer of a token alone.

use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::Path;

pub struct Server {
    pub url: String,
}

impl Server {
    /// Serves until the test's process ends.
    pub fn start(root: &Path, token: Option<&str>) -> Server {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("bound"));
        let (root, token) = (root.to_path_buf(), token.map(str::to_owned));
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                answer(&stream, &root, token.as_deref());
            }
        });
        Server { url }
    }
}

fn answer(mut stream: &TcpStream, root: &Path, token: Option<&str>) {
    let head: Vec<String> = BufReader::new(stream)
        .lines()
        .map_while(Result::ok)
        .take_while(|line| !line.is_empty())
        .collect();
    let path = head[0].split(' ').nth(1).expect("a path").trim_start_matches('/');
    let shown = head.iter().find_map(|line| line.strip_prefix("authorization: Bearer "));
    let (status, body) = match fs::read(root.join(path)) {
        _ if path.contains("entries") && shown != token => (401, Vec::new()),
        Ok(body) => (200, body),
        Err(_) => (404, Vec::new()),
    };
    let head = format!(
        "HTTP/1.1 {status} X\r\nconnection: close\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    let _may_be_gone = stream.write_all(&[head.as_bytes(), &body].concat());
}
