//! Tokens for OAUTHBEARER: from a file, from a token endpoint, or made here without a signature.
//!
//! Tokens run out, so they are had when they are needed: a file is read anew at every login, an endpoint is asked again
//! shortly before its token's time is over, by one login for all. Not here: how a token is shown to a listener (`login`).

use std::fmt::Write as _;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use rustls::ClientConfig;
use serde_json::{Map, Value};
use tokio::sync::Mutex;
use tokio::time::{Instant, timeout_at};

use super::{Secret, http};

/// The longest token that is taken, in bytes: no listener of Kafka's takes a longer message at login
/// (`BrokerSecurityConfigs`: `sasl.server.max.receive.size` is 524,288), and tokens have some thousand.
const TOKEN_MAX: usize = 64 * 1024;
/// The longest answer of a token endpoint, in bytes.
const ANSWER_MAX: usize = 2 * TOKEN_MAX;
/// How long before its end a token is not used any more.
const EARLY: Duration = Duration::from_secs(10);
/// How long a token is used whose end nobody tells.
const UNTOLD: Duration = Duration::from_mins(1);
/// No token is kept longer than this, whatever is said.
const KEPT_MAX: Duration = Duration::from_hours(1);
/// How long an endpoint that has failed is left alone: one look's logins all fail with it.
const AFTER_FAILURE: Duration = Duration::from_secs(3);
/// How long a token made here is good: what Kafka's own login module makes it (`unsecuredLoginLifetimeSeconds`).
const UNSECURED_SECONDS: u64 = 3_600;
/// How much of an endpoint's own words is repeated, in characters.
const WORDS_MAX: usize = 120;

/// Where tokens come from.
#[derive(Debug, Clone)]
pub enum TokenSource {
    /// A file, which holds the token and white space around it: read anew at every login, for tokens rotate.
    File(PathBuf),
    /// A token endpoint, by the grant `client_credentials` (RFC 6749, 4.4) and HTTP Basic.
    Endpoint {
        /// `http://` or `https://`.
        url: String,
        /// Who asks.
        client_id: String,
        /// The secret of whoever asks.
        client_secret: Secret,
        /// The scope that is asked for.
        scope: Option<String>,
        /// TLS, for `https://`.
        tls: Option<Arc<ClientConfig>>,
    },
    /// Kafka's unsecured JWS (RFC 7515, appendix A.5), for listeners that take one: these claims, with `iat` and `exp`
    /// added where they are not there.
    Unsecured {
        /// Names and values.
        claims: Vec<(String, Value)>,
    },
}

/// A source, and the token that it gave last.
pub(super) struct Tokens {
    source: TokenSource,
    last: Mutex<Last>,
}

/// What an endpoint gave last, and until when that holds.
#[derive(Default)]
struct Last {
    client: Option<reqwest::Client>,
    given: Option<(Instant, Result<Secret, String>)>,
}

impl Tokens {
    pub(super) fn new(source: TokenSource) -> Self {
        Self { source, last: Mutex::default() }
    }

    pub(super) fn source(&self) -> &TokenSource {
        &self.source
    }

    /// A token that is good now, by `deadline` at the latest.
    ///
    /// # Errors
    /// Why there is none, in words without a secret.
    pub(super) async fn token(&self, deadline: Instant) -> Result<Secret, String> {
        match &self.source {
            TokenSource::File(path) => from_file(path),
            TokenSource::Unsecured { claims } => Ok(unsecured(claims)),
            TokenSource::Endpoint { url, client_id, client_secret, scope, tls } => {
                let late = || "the token endpoint has not answered in time".to_owned();
                let mut last = timeout_at(deadline, self.last.lock()).await.map_err(|_| late())?;
                if let Some((until, given)) = &last.given
                    && Instant::now() < *until
                {
                    return given.clone();
                }
                let asked = ask(&mut last.client, url, client_id, client_secret, scope.as_deref(), tls.as_ref());
                let answer = timeout_at(deadline, asked).await.unwrap_or_else(|_| Err(late()));
                let (kept_for, given) = match answer {
                    Ok((token, kept_for)) => (kept_for, Ok(token)),
                    Err(words) => (AFTER_FAILURE, Err(words)),
                };
                last.given = Some((Instant::now() + kept_for, given.clone()));
                given
            }
        }
    }
}

fn from_file(path: &Path) -> Result<Secret, String> {
    let failed = |why: &str| format!("no token in {}: {why}", path.display());
    let is_file = std::fs::metadata(path).map_err(|error| failed(&error.to_string()))?.is_file();
    if !is_file {
        return Err(failed("it is not a file"));
    }
    let mut text = String::new();
    let opened = File::open(path).map(|file| file.take(1 + TOKEN_MAX as u64));
    opened.and_then(|mut file| file.read_to_string(&mut text)).map_err(|error| failed(&error.to_string()))?;
    proper(text.trim()).map_err(failed)
}

/// A token that may stand after `Bearer ` (RFC 6750, 2.1): whatever else is in it would end the message, or be a page of HTML.
fn proper(token: &str) -> Result<Secret, &'static str> {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~+/=".contains(&byte);
    if token.is_empty() {
        Err("it is empty")
    } else if token.len() > TOKEN_MAX {
        Err("it is longer than any token")
    } else if token.bytes().all(allowed) {
        Ok(Secret::new(token))
    } else {
        Err("it has characters that no token has")
    }
}

/// An unsecured JWS, as `OAuthBearerUnsecuredLoginCallbackHandler` makes it.
fn unsecured(claims: &[(String, Value)]) -> Secret {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    let mut all: Map<String, Value> = claims.iter().cloned().collect();
    all.entry("iat").or_insert_with(|| now.into());
    all.entry("exp").or_insert_with(|| (now + UNSECURED_SECONDS).into());
    let claims = Value::Object(all).to_string();
    let [header, claims] = [r#"{"alg":"none"}"#, &claims].map(|part| URL_SAFE_NO_PAD.encode(part));
    Secret::new(format!("{header}.{claims}."))
}

/// Asks a token endpoint once: the token, and how long it may be used.
async fn ask(
    client: &mut Option<reqwest::Client>,
    url: &str,
    client_id: &str,
    client_secret: &Secret,
    scope: Option<&str>,
    tls: Option<&Arc<ClientConfig>>,
) -> Result<(Secret, Duration), String> {
    let http = match client {
        Some(client) => &*client,
        None => client.insert(http::client(tls.map(|tls| &**tls))?),
    };
    // As Kafka's own client sends them: the two are not percent-encoded in the header (KIP-768).
    let basic = STANDARD.encode(format!("{client_id}:{}", client_secret.expose()));
    let mut form = "grant_type=client_credentials".to_owned();
    if let Some(scope) = scope {
        form.push_str("&scope=");
        percent_encode(&mut form, scope);
    }
    let request = http
        .post(url)
        .header("Authorization", format!("Basic {basic}"))
        .header("Accept", "application/json")
        .header("Content-Type", "application/x-www-form-urlencoded")
        .body(form);
    let mut response = request.send().await.map_err(|error| unanswered(&error))?;
    let code = response.status();
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|error| unanswered(&error))? {
        if body.len() + chunk.len() > ANSWER_MAX {
            return Err(format!("the token endpoint answers with more than {ANSWER_MAX} bytes"));
        }
        body.extend_from_slice(&chunk);
    }
    let answer: Option<Map<String, Value>> = serde_json::from_slice(&body).ok();
    let text = |name: &str| answer.as_ref()?.get(name)?.as_str();
    if code != reqwest::StatusCode::OK {
        let words = text("error").map_or_else(String::new, |words| format!(": {}", own_words(words, client_secret)));
        return Err(format!("the token endpoint answers with HTTP {}{words}", code.as_u16()));
    }
    let Some(token) = text("access_token") else {
        return Err("the token endpoint answers without an access_token".to_owned());
    };
    let token = proper(token).map_err(|why| format!("the access_token of the token endpoint is none: {why}"))?;
    let told = answer.as_ref().and_then(|answer| answer.get("expires_in")).and_then(seconds);
    let good_for = told.or_else(|| left_of(&token)).unwrap_or(UNTOLD + EARLY);
    Ok((token, good_for.saturating_sub(EARLY).min(KEPT_MAX)))
}

/// Some endpoints send the number as a text.
fn seconds(value: &Value) -> Option<Duration> {
    value.as_u64().or_else(|| value.as_str()?.parse().ok()).map(Duration::from_secs)
}

/// How long a token is good by its own claim `exp`, if it is a JWT.
fn left_of(token: &Secret) -> Option<Duration> {
    let claims = URL_SAFE_NO_PAD.decode(token.expose().split('.').nth(1)?).ok()?;
    let claims: Value = serde_json::from_slice(&claims).ok()?;
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Some(seconds(claims.get("exp")?)?.saturating_sub(now))
}

/// What a peer says of itself, short, in one line, and without what it may have been told.
pub(super) fn own_words(words: &str, secret: &Secret) -> String {
    if !secret.expose().is_empty() && words.contains(secret.expose()) {
        return "in words that repeat the secret".to_owned();
    }
    let line = |c: char| if c.is_control() { ' ' } else { c };
    words.trim().chars().take(WORDS_MAX).map(line).collect()
}

fn unanswered(error: &reqwest::Error) -> String {
    format!("the token endpoint does not answer: {}", http::innermost(error))
}

/// Appends a value of a form (`application/x-www-form-urlencoded`).
fn percent_encode(form: &mut String, value: &str) {
    for byte in value.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            form.push(char::from(byte));
        } else {
            let _ = write!(form, "%{byte:02X}");
        }
    }
}
