//! The one seam for the network: connect to an endpoint and get a stream; ask for a page and get its text.
//!
//! Here: the seam, and the real network behind it. A simulated one is memory. Not here: what is said over a
//! stream, and how long anything may take.

use std::future::Future;
use std::net::{IpAddr, SocketAddr};
use std::str::FromStr;
use std::sync::{Arc, LazyLock};

use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use super::heard::Heard;
use super::http::Http;
use super::refusal::{not_spoken, refused, with_ours};
use crate::security::{Access, Security};
use crate::snapshot::{AskedAs, Endpoint, Missed, Why};

/// The largest metrics page that is read, in bytes. An ungated exporter page of a broker with 20,000
/// partitions has 8 MB.
pub const PAGE_LIMIT: usize = 32 * 1024 * 1024;

/// One request for a page, or for what an agent serves in its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PageRequest {
    /// Where: `http://` or `https://`.
    pub url: String,
    /// What is posted, as JSON; `None` to get the page.
    pub body: Option<String>,
}

impl PageRequest {
    /// Gets the page.
    #[must_use]
    pub fn get(url: impl Into<String>) -> Self {
        Self { url: url.into(), body: None }
    }
}

/// What came back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PageAnswer {
    /// The code of HTTP.
    pub code: u16,
    /// The text; of another code than 200 only the beginning.
    pub text: String,
}

impl PageAnswer {
    /// A page that was given.
    #[must_use]
    pub fn ok(text: impl Into<String>) -> Self {
        Self { code: 200, text: text.into() }
    }
}

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

    /// Asks for a page, and gives what was answered, whatever its code: of a page at most [`PAGE_LIMIT`] bytes.
    ///
    /// # Errors
    /// Why there is no answer.
    fn page(&self, request: &PageRequest) -> impl Future<Output = Result<PageAnswer, Missed>> + Send;

    /// How listeners of this role are spoken to, once there is a connection.
    fn security(&self, _: AskedAs) -> &Security {
        static PLAINTEXT: LazyLock<Security> = LazyLock::new(Security::default);
        &PLAINTEXT
    }
}

/// The real network: TCP, TLS over it where it is asked for, and HTTP.
pub struct Sockets {
    access: Access,
    http: Http,
}

impl Sockets {
    /// Nothing is dialled, and no store of certificates read, before it is needed.
    #[must_use]
    pub fn new(access: Access) -> Self {
        let http = Http::new(access.pages.clone());
        Self { access, http }
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
        self.access.of(asked_as)
    }

    async fn page(&self, request: &PageRequest) -> Result<PageAnswer, Missed> {
        self.http.ask(request).await
    }
}

/// Connects to the first address of the host that takes the connection.
async fn connect(endpoint: &Endpoint) -> Result<TcpStream, Missed> {
    let unknown = |why: &str| Missed::new(Why::UnknownHost, format!("the host's name is not known: {why}"));
    let addresses = tokio::net::lookup_host((endpoint.host.as_str(), endpoint.port)).await;
    let addresses: Vec<SocketAddr> = addresses.map_err(|error| unknown(&error.to_string()))?.collect();
    let mut missed = None;
    for address in addresses {
        match TcpStream::connect(address).await.and_then(|tcp| tcp.set_nodelay(true).map(|()| tcp)) {
            Ok(tcp) => return Ok(tcp),
            Err(error) => missed = Some(refused(&error)),
        }
    }
    Err(missed.unwrap_or_else(|| unknown("it has no address")))
}

/// A connection of the real network, whatever is under it.
pub trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}

impl<S: AsyncRead + AsyncWrite + Unpin + Send> Stream for S {}
