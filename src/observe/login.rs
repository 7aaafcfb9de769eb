//! Logging in: what is said over a connection between `ApiVersions`, which Kafka answers to everybody, and all else.
//!
//! A login is tried once for each connection and never again in the same look: each that fails is a line in the node's
//! log and costs it some tenths of a second. Not here: what a mechanism says (`security`).

use std::time::Duration;

use kafka_protocol::messages::{SaslAuthenticateRequest, SaslHandshakeRequest, SaslHandshakeResponse};
use kafka_protocol::protocol::StrBytes;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::Instant;

use super::Limits;
use super::answers::error_code;
use super::dial::Network;
use super::kafka::{Conversation, Session, common_version, dial, not_listed};
use super::kept::Kept;
use crate::security::{Failed, Login, Security, Turn};
use crate::snapshot::{ApiVersions, AskedAs, Endpoint, Missed, Why};
use crate::wire::{self, Ask};

/// The name of no mechanism: whoever knows mechanisms answers with theirs.
const NO_MECHANISM: &str = "NONE";
/// How many mechanisms of a listener's are named, and how much of each name: RFC 4422 allows 20 characters.
const MECHANISMS_MAX: usize = 8;
const MECHANISM_MAX: usize = 20;
/// How often the listener may answer: twice for every mechanism that we speak.
const ANSWERS_MAX: usize = 2;
/// When a session is over for us, in percent of its lifetime: Kafka's own clients log in anew at 85 to 95 (KIP-368).
const SESSION_PERCENT: u32 = 85;

impl<S: AsyncReadExt + AsyncWriteExt + Unpin> Conversation<S> {
    /// Logs in where there is a login and it was not done yet; a connection for which that fails is of no use.
    pub(super) async fn log_in(&mut self, security: &Security, listed: &ApiVersions) -> Result<(), Missed> {
        if self.session.is_some() {
            return Ok(());
        }
        let ends = match &security.login {
            Some(login) => {
                let ends = self.authenticate(login, listed).await;
                self.broken = self.broken || ends.is_err();
                ends?
            }
            None => None,
        };
        self.session = Some(Session { ends });
        Ok(())
    }

    /// When the session ends that begins with this.
    async fn authenticate(&mut self, login: &Login, listed: &ApiVersions) -> Result<Option<Instant>, Missed> {
        let Some(version) = common_version::<SaslAuthenticateRequest>(listed) else {
            return Err(not_listed::<SaslAuthenticateRequest>());
        };
        let no_token = |words| Missed::new(Why::NoToken, words);
        let mut turn = login.begin(self.limits.request_deadline()).await.map_err(no_token)?;
        let handshake = self.handshake(login.mechanism(), listed).await?;
        match handshake.error_code {
            wire::NO_ERROR => {}
            wire::UNSUPPORTED_SASL_MECHANISM => {
                let words = format!("{} is not enabled; {}", login.mechanism(), mechanisms(&handshake));
                return Err(Missed::new(Why::SaslMechanism, words));
            }
            code => return Err(not_logged_in::<SaslHandshakeRequest>(code)),
        }
        let mut said = turn.first();
        for _ in 0..ANSWERS_MAX {
            let began = Instant::now();
            let request = SaslAuthenticateRequest::default().with_auth_bytes(said.into());
            let frame = self.exchange(&request, version, SaslAuthenticateRequest::LIMIT).await?;
            let answer = self.decode::<SaslAuthenticateRequest>(&frame, version)?;
            match answer.error_code {
                wire::NO_ERROR => {}
                wire::SASL_AUTHENTICATION_FAILED => {
                    return Err(rejected(login, &turn.words(answer.error_message.as_deref())));
                }
                code => return Err(not_logged_in::<SaslAuthenticateRequest>(code)),
            }
            // Keys may take a while to make, and nobody is answered meanwhile: not for a look that is over.
            if self.limits.deadline <= Instant::now() {
                return Err(Missed::new(Why::TimedOut, "not logged in before the deadline"));
            }
            match next(&mut turn, &answer.auth_bytes, login)? {
                Some(more) => said = more,
                None => return Ok(session_end(began, answer.session_lifetime_ms)),
            }
        }
        Err(Missed::new(Why::Malformed, "the listener has more to ask at login than the mechanism knows"))
    }

    async fn handshake(&mut self, mechanism: &str, listed: &ApiVersions) -> Result<SaslHandshakeResponse, Missed> {
        let Some(version) = common_version::<SaslHandshakeRequest>(listed) else {
            return Err(not_listed::<SaslHandshakeRequest>());
        };
        let request = SaslHandshakeRequest::default().with_mechanism(StrBytes::from_string(mechanism.to_owned()));
        let frame = self.exchange(&request, version, SaslHandshakeRequest::LIMIT).await?;
        self.decode::<SaslHandshakeRequest>(&frame, version)
    }
}

/// Connects to a node anew that has said what it lists, and logs in.
pub(super) async fn dial_in<N: Network>(
    network: &Kept<N>,
    asked_as: AskedAs,
    endpoint: &Endpoint,
    limits: Limits,
    listed: &ApiVersions,
) -> Result<Conversation<N::Stream>, Missed> {
    let mut talk = dial(network, asked_as, endpoint, limits).await?;
    talk.log_in(network.network.security(asked_as), listed).await?;
    Ok(talk)
}

/// Whether a listener that closed the connection on its first question wants a login; `None`: it does not say so.
///
/// Kafka closes without a word, as does a node that stops. So the node is dialled once more and asked for a mechanism that
/// nobody has: whoever wants a login answers with the mechanisms that it knows, and whoever wants none says that.
pub(super) async fn wanted<N: Network>(
    network: &Kept<N>,
    asked_as: AskedAs,
    endpoint: &Endpoint,
    limits: Limits,
    listed: &ApiVersions,
) -> Option<Missed> {
    let mut talk = dial(network, asked_as, endpoint, limits).await.ok()?;
    let answer = talk.handshake(NO_MECHANISM, listed).await.ok()?;
    let is_wanted = answer.error_code == wire::UNSUPPORTED_SASL_MECHANISM;
    is_wanted.then(|| {
        let words = format!("the listener wants a login by SASL, and there is none; {}", mechanisms(&answer));
        Missed::new(Why::SaslExpected, words)
    })
}

fn next(turn: &mut Turn<'_>, answer: &[u8], login: &Login) -> Result<Option<Vec<u8>>, Missed> {
    turn.next(answer).map_err(|failed| match failed {
        Failed::Rejected(words) => rejected(login, &words),
        Failed::Untrue(what) => Missed::new(Why::Malformed, format!("{}: {what}", login.mechanism())),
    })
}

fn rejected(login: &Login, words: &str) -> Missed {
    let user = login.user().map_or_else(String::new, |user| format!(" of {user}"));
    Missed::new(Why::SaslFailed, format!("the login{user} by {} is rejected: {words}", login.mechanism()))
}

/// An error of a request that nobody asks who is not about to log in.
fn not_logged_in<A: Ask>(code: i16) -> Missed {
    match code {
        wire::ILLEGAL_SASL_STATE => {
            Missed::new(Why::SaslNotSpoken, "the listener knows no login: it is PLAINTEXT or SSL (error 34)")
        }
        code => error_code::<A>(code),
    }
}

/// The mechanisms that a listener enables, in words.
fn mechanisms(answer: &SaslHandshakeResponse) -> String {
    let plain = |c: &char| c.is_ascii_alphanumeric() || "-_".contains(*c);
    let named = answer.mechanisms.iter().take(MECHANISMS_MAX);
    let named: Vec<String> = named.map(|name| name.chars().filter(plain).take(MECHANISM_MAX).collect()).collect();
    if named.is_empty() {
        "the listener enables none".to_owned()
    } else {
        format!("the listener enables {}", named.join(", "))
    }
}

/// When a session is over for us that was asked for at this time; `None`: never.
fn session_end(began: Instant, lifetime_ms: i64) -> Option<Instant> {
    let lifetime = u64::try_from(lifetime_ms).ok().filter(|lifetime| *lifetime > 0).map(Duration::from_millis)?;
    // Beyond what can be counted there is no end.
    began.checked_add(lifetime / 100 * SESSION_PERCENT)
}
