//! Pages over the real network: HTTP, with TLS for `https://`.
//!
//! Here: the clients, made when the first page is asked for, and one answer, bounded. Not here: what a page says and
//! which page is asked for next (`page`).

use std::io;
use std::sync::OnceLock;

use reqwest::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderValue};
use reqwest::{Client, Response};
use rustls::ClientConfig;

use super::dial::{PAGE_LIMIT, PageAnswer, PageRequest};
use super::refusal::{not_spoken, refused};
use crate::security::http::{client, innermost};
use crate::security::tls::{self, TlsSettings};
use crate::security::{PageSecurity, Secret};
use crate::snapshot::{Missed, Why};

/// As much is read of an answer that is no page, in bytes: what an agent says of an error, and no proxy's novel.
const EXCUSE_LIMIT: usize = 64 * 1024;

/// What we want: a page in the text formats of Prometheus, or what an agent says.
const WANTED: &str = "text/plain; version=0.0.4, application/json; q=0.5";

/// The clients. That for `http://` knows no certificate, so that nothing is loaded where nothing is verified.
pub(super) struct Http {
    security: PageSecurity,
    plain: OnceLock<Result<Client, Missed>>,
    tls: OnceLock<Result<Client, Missed>>,
}

impl Http {
    pub(super) fn new(security: PageSecurity) -> Self {
        Self { security, plain: OnceLock::new(), tls: OnceLock::new() }
    }

    /// One request and its answer, whatever its code.
    pub(super) async fn ask(&self, request: &PageRequest) -> Result<PageAnswer, Missed> {
        let is_tls = request.url.starts_with("https:");
        let client =
            if is_tls { self.tls.get_or_init(|| self.over_tls()) } else { self.plain.get_or_init(|| made(None)) };
        let client = client.as_ref().map_err(Clone::clone)?;
        let mut asked = match &request.body {
            None => client.get(&request.url),
            Some(body) => client.post(&request.url).header(CONTENT_TYPE, "application/json").body(body.clone()),
        };
        asked = asked.header(ACCEPT, WANTED);
        if let Some(authorization) = &self.security.authorization {
            asked = asked.header(AUTHORIZATION, sensitive(authorization)?);
        }
        let response = asked.send().await.map_err(|error| unanswered(&error))?;
        let code = response.status().as_u16();
        let text = if code == 200 { whole(response).await? } else { excuse(response).await };
        Ok(PageAnswer { code, text })
    }

    fn over_tls(&self) -> Result<Client, Missed> {
        if let Some(config) = &self.security.tls {
            return made(Some(config));
        }
        let settings = TlsSettings {
            truststore: None,
            keystore: None,
            verifies_hostname: true,
            enabled_protocols: None,
            cipher_suites: None,
        };
        let (config, _) = tls::client_config(&settings).map_err(|unfit| {
            Missed::new(Why::TlsFailed, format!("no TLS for https: {}: {}", unfit.property, unfit.why))
        })?;
        made(Some(&config))
    }
}

fn made(tls: Option<&ClientConfig>) -> Result<Client, Missed> {
    client(tls).map_err(|why| Missed::new(Why::Internal, why))
}

fn sensitive(authorization: &Secret) -> Result<HeaderValue, Missed> {
    let mut value = HeaderValue::from_str(authorization.expose())
        .map_err(|_| Missed::new(Why::NotAsked, "the credentials for pages have characters that no header may have"))?;
    value.set_sensitive(true);
    Ok(value)
}

/// The whole text of a page.
async fn whole(mut response: Response) -> Result<String, Missed> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|error| unanswered(&error))? {
        if body.len() + chunk.len() > PAGE_LIMIT {
            return Err(Missed::new(Why::TooLarge, format!("a page of more than {PAGE_LIMIT} bytes")));
        }
        body.extend_from_slice(&chunk);
    }
    String::from_utf8(body).map_err(|_| Missed::new(Why::NotAPage, "the page is not text"))
}

/// What an answer that is no page says for itself, as far as it goes.
async fn excuse(mut response: Response) -> String {
    let mut body = Vec::new();
    while let Ok(Some(chunk)) = response.chunk().await {
        body.extend_from_slice(chunk.get(..EXCUSE_LIMIT - body.len()).unwrap_or(&chunk));
        if body.len() >= EXCUSE_LIMIT {
            break;
        }
    }
    String::from_utf8_lossy(&body).into_owned()
}

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
