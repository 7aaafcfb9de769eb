//! The one seam for the network: connect to an endpoint and get a stream; get a page and get its text.
//!
//! Here: the seam, and the real network behind it. A simulated one is memory. Not here: what is said over a
//! stream, and how long anything may take.

use std::future::Future;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::str::FromStr;
use std::sync::{Arc, LazyLock};

use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use super::heard::Heard;
use super::refusal::{not_spoken, refused, with_ours};
use crate::security::{Access, Security};
use crate::snapshot::{AskedAs, Endpoint, Missed, Why};

/// The largest metrics page that is read, in bytes. An ungated exporter page of a broker with 20,000
/// partitions has 8 MB.
pub const PAGE_LIMIT: usize = 32 * 1024 * 1024;

/// What is between us and the nodes.
pub trait Network: Send + Sync + 'static {
    /// A connection.
    type Stream: AsyncRead + AsyncWrite + Unpin + Send;

    /// Connects to a listener, with TLS where listeners of this role have it.
    ///
    /// # Errors
    /// Why there is no connection.
    fn connect(
        &self,
        asked_as: AskedAs,
        endpoint: &Endpoint,
    ) -> impl Future<Output = Result<Self::Stream, Missed>> + Send;

    /// Gets a metrics page's text, at most [`PAGE_LIMIT`] bytes of it.
    ///
    /// # Errors
    /// Why there is no text.
    fn page(&self, url: &str) -> impl Future<Output = Result<String, Missed>> + Send;

    /// How listeners of this role are spoken to, once there is a connection.
    fn security(&self, _: AskedAs) -> &Security {
        static PLAINTEXT: LazyLock<Security> = LazyLock::new(Security::default);
        &PLAINTEXT
    }
}

/// The real network: TCP, TLS over it where it is asked for, and HTTP.
pub struct Sockets {
    access: Access,
    http: reqwest::Client,
}

impl Sockets {
    /// Pages are asked for without a proxy and without following redirects: what a page says of a node must come from
    /// that node.
    ///
    /// # Errors
    /// Those of the HTTP client's own construction.
    pub fn new(access: Access) -> Result<Self, reqwest::Error> {
        let http = reqwest::Client::builder()
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .user_agent(concat!("kraft-check/", env!("CARGO_PKG_VERSION")))
            .build()?;
        Ok(Self { access, http })
    }
}

impl Network for Sockets {
    type Stream = Box<dyn Stream>;

    async fn connect(&self, asked_as: AskedAs, endpoint: &Endpoint) -> Result<Self::Stream, Missed> {
        let tcp = connect(endpoint).await?;
        let Some(tls) = &self.security(asked_as).tls else {
            return Ok(Box::new(tcp));
        };
        let name = match IpAddr::from_str(&endpoint.host) {
            Ok(address) => ServerName::from(address),
            Err(_) => ServerName::try_from(endpoint.host.clone())
                .map_err(|error| Missed::new(Why::TlsWrongHostname, error.to_string()))?,
        };
        let heard = Heard { tcp, anything: false };
        match TlsConnector::from(Arc::clone(tls)).connect(name, heard).into_fallible().await {
            Ok(tls) => Ok(Box::new(tls)),
            Err((error, heard)) => match refused(&error) {
                Missed { why: Why::Closed, .. } if !heard.anything => Err(not_spoken()),
                missed => Err(with_ours(missed, self.security(asked_as))),
            },
        }
    }

    fn security(&self, asked_as: AskedAs) -> &Security {
        match asked_as {
            AskedAs::Broker => &self.access.brokers,
            AskedAs::Controller => &self.access.controllers,
        }
    }

    async fn page(&self, url: &str) -> Result<String, Missed> {
        let request = self.http.get(url).header("Accept", "text/plain; version=0.0.4");
        let mut response = request.send().await.map_err(|error| unanswered(&error))?;
        let code = response.status();
        if code.is_redirection() {
            let words = format!("HTTP {}: redirects are not followed", code.as_u16());
            return Err(Missed::new(Why::NotAPage, words));
        }
        if code != reqwest::StatusCode::OK {
            return Err(Missed::new(Why::NotAPage, format!("HTTP {}", code.as_u16())));
        }
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(|error| unanswered(&error))? {
            if body.len() + chunk.len() > PAGE_LIMIT {
                let words = format!("a page of more than {PAGE_LIMIT} bytes");
                return Err(Missed::new(Why::TooLarge, words));
            }
            body.extend_from_slice(&chunk);
        }
        String::from_utf8(body).map_err(|_| Missed::new(Why::NotAPage, "the page is not text"))
    }
}

/// Connects to the first address of the host that takes the connection.
async fn connect(endpoint: &Endpoint) -> Result<TcpStream, Missed> {
    let unknown = |why: &str| Missed::new(Why::UnknownHost, format!("the host's name is not known: {why}"));
    let addresses = tokio::net::lookup_host((endpoint.host.as_str(), endpoint.port)).await;
    let addresses: Vec<SocketAddr> = addresses.map_err(|error| unknown(&error.to_string()))?.collect();
    let mut missed = unknown("it has no address");
    for address in addresses {
        match TcpStream::connect(address).await.and_then(|tcp| tcp.set_nodelay(true).map(|()| tcp)) {
            Ok(tcp) => return Ok(tcp),
            Err(error) => missed = refused(&error),
        }
    }
    Err(missed)
}

/// A connection of the real network, whatever is under it.
pub trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}

impl<S: AsyncRead + AsyncWrite + Unpin + Send> Stream for S {}

fn unanswered(error: &reqwest::Error) -> Missed {
    let mut cause: Option<&(dyn std::error::Error + 'static)> = Some(error);
    while let Some(inner) = cause {
        if let Some(io) = inner.downcast_ref::<io::Error>() {
            return match refused(io) {
                // TCP alone is never closed while it connects.
                Missed { why: Why::Closed, .. } if error.is_connect() => not_spoken(),
                missed => missed,
            };
        }
        cause = inner.source();
    }
    if error.is_connect() {
        Missed::new(Why::Unreachable, innermost(error))
    } else {
        Missed::new(Why::Closed, format!("the page broke off: {}", innermost(error)))
    }
}

/// The words of the innermost cause: the outer ones repeat the URL, which may hold a password.
fn innermost(error: &reqwest::Error) -> String {
    let mut cause: &dyn std::error::Error = error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    if cause.downcast_ref::<reqwest::Error>().is_some() { "not answered as HTTP".to_owned() } else { cause.to_string() }
}
