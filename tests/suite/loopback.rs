//! Pages over loopback: a server of HTTP for tests, with TLS or without, that keeps what it was asked; and a look at one
//! page of it through the real network. What pages say is the tests' business.

use std::collections::BTreeMap;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use kraft_check::observe::dial::Sockets;
use kraft_check::observe::kept::Kept;
use kraft_check::observe::{Plan, look};
use kraft_check::report::{Note, Report};
use kraft_check::security::Access;
use kraft_check::signals::{MIGRATION_STATE, StateRung, View};
use kraft_check::snapshot::{Depth, Look, Missed, Owner, Page, Snapshot, Subject};
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use tokio::time::Instant;

use crate::answers::{self, leader};
use crate::peers::peer;

/// The leader, whose page is looked at.
pub(crate) const LEADER: i32 = 3001;

/// One request.
#[derive(Debug, Clone)]
pub(crate) struct Asked {
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) authorization: Option<String>,
    pub(crate) body: String,
}

/// A server, and what it was asked so far.
pub(crate) struct Server {
    pub(crate) port: u16,
    asked: Arc<Mutex<Vec<Asked>>>,
}

impl Server {
    /// Answers every request with the code and the text that this makes of it.
    pub(crate) fn new(answer: impl Fn(&Asked) -> (u16, String) + Send + Sync + 'static) -> Self {
        Self::behind(None, answer)
    }

    /// The same, behind TLS if there is some.
    pub(crate) fn behind(
        tls: Option<Arc<ServerConfig>>,
        answer: impl Fn(&Asked) -> (u16, String) + Send + Sync + 'static,
    ) -> Self {
        let asked = Arc::new(Mutex::new(Vec::new()));
        let kept = Arc::clone(&asked);
        let port = peer(move |tcp: TcpStream| {
            let answer = |request: Asked| {
                let answer = answer(&request);
                kept.lock().expect("the list").push(request);
                answer
            };
            let _ended = match &tls {
                None => converse(tcp, answer),
                Some(config) => {
                    let connection = ServerConnection::new(Arc::clone(config)).expect("a connection");
                    converse(StreamOwned::new(connection, tcp), answer)
                }
            };
        });
        Self { port, asked }
    }

    /// The URL of this path.
    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.port)
    }

    /// What it was asked, in order: method and path.
    pub(crate) fn questions(&self) -> Vec<String> {
        let asked = self.asked.lock().expect("the list");
        asked.iter().map(|asked| format!("{} {}", asked.method, asked.path)).collect()
    }
}

fn converse(stream: impl Read + Write, answer: impl Fn(Asked) -> (u16, String)) -> io::Result<()> {
    let mut stream = BufReader::new(stream);
    loop {
        let mut line = String::new();
        stream.read_line(&mut line)?;
        let mut words = line.split_ascii_whitespace().map(ToOwned::to_owned);
        let (Some(method), Some(path)) = (words.next(), words.next()) else { return Ok(()) };
        let mut asked = Asked { method, path, authorization: None, body: String::new() };
        let mut length = 0;
        loop {
            let mut line = String::new();
            stream.read_line(&mut line)?;
            let Some((name, value)) = line.trim_end().split_once(": ") else { break };
            match name.to_lowercase().as_str() {
                "authorization" => asked.authorization = Some(value.to_owned()),
                "content-length" => length = value.parse().expect("a length"),
                _ => {}
            }
        }
        let mut body = vec![0; length];
        stream.read_exact(&mut body)?;
        asked.body = String::from_utf8(body).expect("text");
        let (code, text) = answer(asked);
        let more = if code == 302 { "Location: /moved\r\n" } else { "" };
        let head = format!("HTTP/1.1 {code} X\r\n{more}Content-Length: {}\r\n\r\n", text.len());
        stream.get_mut().write_all(format!("{head}{text}").as_bytes())?;
        stream.get_mut().flush()?;
    }
}

/// One look at this page alone, as the leader's.
pub(crate) fn look_at(url: &str, access: Access) -> Look {
    let plan = Plan {
        depth: Depth::Stage,
        broker_pages: None,
        controller_pages: None,
        brokers: Vec::new(),
        controllers: Vec::new(),
        pages: BTreeMap::from([(Owner::Id(LEADER), url.to_owned())]),
        metric_names: Vec::new(),
        prove_cluster_id: false,
        request_timeout: Duration::from_secs(2),
        page_timeout: Duration::from_secs(2),
        concurrency: 1,
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let network = Arc::new(Kept::nothing(Sockets::new(access)));
    runtime.block_on(async { look(&network, &plan, Instant::now() + Duration::from_secs(10)).await })
}

/// What the page says.
pub(crate) fn page(look: &Look) -> Result<&Page, &Missed> {
    look.pages[0].page.said.as_ref()
}

/// What the report says of this page as missed.
pub(crate) fn error_of<'a>(url: &str, report: &'a Report) -> Option<&'a Note> {
    report.errors.iter().find(|error| error.message.contains(url))
}

/// The look, beside a live leader from which nothing follows, so that the page is all there is.
pub(crate) fn snapshot(mut look: Look) -> Snapshot {
    let mut leader = leader(LEADER, &[]);
    leader.api_versions.said.as_mut().expect("it answers").zk_migration_ready = Some(false);
    look.nodes.push(leader);
    answers::snapshot(&[], &[LEADER], [look])
}

/// The state of the migration, as the page of this URL tells it.
pub(crate) fn state(url: &str) -> Result<StateRung, Missed> {
    let snapshot = snapshot(look_at(url, Access::default()));
    let view = View::new(&snapshot, &snapshot.looks[0]);
    MIGRATION_STATE.read(&view, Subject::Quorum).map(|seen| seen.value).map_err(|unseen| unseen.missed)
}
