//! A listener with SASL in front of simulated nodes, as Kafka's: `ApiVersions` is answered to everybody, everything else
//! only after a login. It has the server's half of SCRAM, so that each half proves the other. The figures are made of this
//! file as well (`tests/figures`).

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::num::NonZeroU32;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use bytes::Bytes;
use kafka_protocol::messages::{
    SaslAuthenticateRequest, SaslAuthenticateResponse, SaslHandshakeRequest, SaslHandshakeResponse,
};
use kafka_protocol::protocol::StrBytes;
use kraft_check::rehearse::{Shared, converse};
use kraft_check::snapshot::NodeId;
use kraft_check::wire::{Asked, ILLEGAL_SASL_STATE, SASL_AUTHENTICATION_FAILED, UNSUPPORTED_SASL_MECHANISM};
use ring::{digest, hmac, pbkdf2};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, duplex};
use tokio::time::{Instant, sleep};

const API_VERSIONS: i16 = 18;
const SASL_HANDSHAKE: i16 = 17;
const SASL_AUTHENTICATE: i16 = 36;
/// How long Kafka lets those wait whom it turns away.
const TURNED_AWAY_AFTER: Duration = Duration::from_millis(250);

/// What a mechanism is made of.
type Hashes = (&'static digest::Algorithm, hmac::Algorithm, pbkdf2::Algorithm);

fn hashes(mechanism: &str) -> Hashes {
    match mechanism {
        "SCRAM-SHA-256" => (&digest::SHA256, hmac::HMAC_SHA256, pbkdf2::PBKDF2_HMAC_SHA256),
        _ => (&digest::SHA512, hmac::HMAC_SHA512, pbkdf2::PBKDF2_HMAC_SHA512),
    }
}

/// What the listeners of a cluster know.
#[derive(Debug)]
pub(crate) struct Guard {
    /// The mechanisms that are enabled; none: the listeners have no SASL.
    pub(crate) mechanisms: Vec<&'static str>,
    /// Users and their passwords.
    pub(crate) users: BTreeMap<&'static str, String>,
    /// Tokens that are good; of unsecured ones the subject counts, and must be a user.
    pub(crate) tokens: Mutex<BTreeSet<String>>,
    /// How often a password was salted, and whether every node has its own salt.
    pub(crate) iterations: u32,
    pub(crate) own_salts: bool,
    /// `connections.max.reauth.ms`, 0 for never.
    pub(crate) session_ms: u32,
    /// What a failed login is told instead of Kafka's words.
    pub(crate) words: Option<String>,
    /// What was said to whom.
    pub(crate) heard: Mutex<Heard>,
    pub(crate) keys: Mutex<BTreeMap<String, Arc<Keys>>>,
}

/// What the listeners heard.
#[derive(Debug, Default)]
pub(crate) struct Heard {
    pub(crate) connections: usize,
    /// By node and API, as long as the connection was not logged in; and `ApiVersions` always.
    pub(crate) asked: BTreeMap<(NodeId, i16), usize>,
    pub(crate) accepted: usize,
    pub(crate) rejected: usize,
    /// What clients call themselves.
    pub(crate) client_ids: BTreeSet<String>,
}

/// What a listener keeps of a password.
#[derive(Debug)]
pub(crate) struct Keys {
    stored: Vec<u8>,
    server: Vec<u8>,
}

impl Guard {
    /// Listeners that know `probe` by the password `hushhush`, by these mechanisms.
    pub(crate) fn with(mechanisms: &[&'static str]) -> Self {
        Self {
            mechanisms: mechanisms.to_vec(),
            users: BTreeMap::from([("probe", "hushhush".to_owned())]),
            tokens: Mutex::default(),
            iterations: 4_096,
            own_salts: false,
            session_ms: 0,
            words: None,
            heard: Mutex::default(),
            keys: Mutex::default(),
        }
    }

    pub(crate) fn hear<T>(&self, look: impl FnOnce(&mut Heard) -> T) -> T {
        look(&mut self.heard.lock().expect("what was heard"))
    }

    fn salt(&self, id: NodeId) -> String {
        if self.own_salts { format!("salt of {id}") } else { "salt of all".to_owned() }
    }

    fn keys(&self, mechanism: &str, user: &str, id: NodeId) -> Option<Arc<Keys>> {
        let password = self.users.get(user)?;
        let name = format!("{mechanism} {user} {}", self.salt(id));
        let mut keys = self.keys.lock().expect("the keys");
        let keys = keys.entry(name).or_insert_with(|| {
            let (digest, hmac, pbkdf2) = hashes(mechanism);
            let mut salted = vec![0; digest.output_len()];
            let iterations = NonZeroU32::new(self.iterations).expect("iterations");
            pbkdf2::derive(pbkdf2, iterations, self.salt(id).as_bytes(), password.as_bytes(), &mut salted);
            let key = hmac::Key::new(hmac, &salted);
            let client = hmac::sign(&key, b"Client Key");
            Arc::new(Keys {
                stored: digest::digest(digest, client.as_ref()).as_ref().to_vec(),
                server: hmac::sign(&key, b"Server Key").as_ref().to_vec(),
            })
        });
        Some(Arc::clone(keys))
    }
}

/// How far a login has come.
enum Step {
    Fresh,
    Handshaken(&'static str),
    Challenged {
        mechanism: &'static str,
        keys: Arc<Keys>,
        first_bare: String,
        challenge: String,
    },
    Doubted,
    /// Logged in, until then.
    In(Option<Instant>),
}

/// What comes of a message.
enum Outcome {
    Goes(Vec<u8>, Step),
    Fails(String),
}

/// Serves one connection to a node.
pub(crate) async fn serve<S>(mut stream: S, guard: Arc<Guard>, cluster: Shared, id: NodeId) -> io::Result<()>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    guard.hear(|heard| heard.connections += 1);
    let (mut inner, node) = duplex(64 * 1024);
    tokio::spawn(converse(node, cluster, id));
    let mut step = if guard.mechanisms.is_empty() { Step::In(None) } else { Step::Fresh };
    loop {
        let frame = read(&mut stream).await?;
        let asked = Asked::read(frame.clone()).expect("a request");
        guard.hear(|heard| {
            let length = usize::from(u16::from_be_bytes([frame[8], frame[9]]));
            heard.client_ids.insert(String::from_utf8_lossy(&frame[10..10 + length]).into_owned());
            *heard.asked.entry((id, asked.key)).or_default() += 1;
        });
        match (&mut step, asked.key) {
            (Step::In(Some(until)), _) if *until <= Instant::now() => return Ok(()),
            (Step::In(_), _) | (_, API_VERSIONS) => {
                write(&mut inner, &frame).await?;
                write(&mut stream, &read(&mut inner).await?).await?;
            }
            (Step::Fresh, SASL_HANDSHAKE) => {
                let mechanism = asked.request::<SaslHandshakeRequest>().expect("a handshake").mechanism;
                let known = guard.mechanisms.iter().find(|known| **known == &*mechanism);
                let names = guard.mechanisms.iter().map(|name| StrBytes::from_static_str(name)).collect();
                let answer = SaslHandshakeResponse::default().with_mechanisms(names);
                let answer = answer.with_error_code(if known.is_some() { 0 } else { UNSUPPORTED_SASL_MECHANISM });
                stream.write_all(&asked.answer::<SaslHandshakeRequest>(&answer).expect("an answer")).await?;
                match known {
                    Some(mechanism) => step = Step::Handshaken(mechanism),
                    None => return Ok(()),
                }
            }
            (_, SASL_AUTHENTICATE) => {
                let said = asked.request::<SaslAuthenticateRequest>().expect("a login").auth_bytes;
                let lifetime = i64::from(asked.version >= 1) * i64::from(guard.session_ms);
                let answer = SaslAuthenticateResponse::default();
                let answer = match next(&guard, std::mem::replace(&mut step, Step::Doubted), &said, id) {
                    Outcome::Goes(bytes, next) => {
                        step = next;
                        answer.with_auth_bytes(bytes.into()).with_session_lifetime_ms(lifetime)
                    }
                    Outcome::Fails(words) => {
                        sleep(TURNED_AWAY_AFTER).await;
                        guard.hear(|heard| heard.rejected += 1);
                        let words = guard.words.clone().unwrap_or(words);
                        let answer = answer.with_error_code(SASL_AUTHENTICATION_FAILED);
                        let answer = answer.with_error_message(Some(StrBytes::from_string(words)));
                        stream.write_all(&asked.answer::<SaslAuthenticateRequest>(&answer).expect("an answer")).await?;
                        return Ok(());
                    }
                };
                stream.write_all(&asked.answer::<SaslAuthenticateRequest>(&answer).expect("an answer")).await?;
            }
            (_, SASL_HANDSHAKE) => {
                let answer = SaslHandshakeResponse::default().with_error_code(ILLEGAL_SASL_STATE);
                stream.write_all(&asked.answer::<SaslHandshakeRequest>(&answer).expect("an answer")).await?;
                return Ok(());
            }
            _ => {
                sleep(TURNED_AWAY_AFTER).await;
                return Ok(());
            }
        }
    }
}

/// What a listener makes of a message.
fn next(guard: &Guard, step: Step, said: &[u8], id: NodeId) -> Outcome {
    let text = String::from_utf8(said.to_vec()).expect("text");
    match step {
        Step::Handshaken("PLAIN") => {
            let [_, user, password] = text.split('\0').collect::<Vec<_>>()[..] else { panic!("PLAIN has three parts") };
            if guard.users.get(user).is_some_and(|known| known == password) {
                return accepted(guard, Vec::new());
            }
            Outcome::Fails("Authentication failed: Invalid username or password".to_owned())
        }
        Step::Handshaken("OAUTHBEARER") => bearer(guard, &text),
        Step::Handshaken(mechanism) => {
            let bare = text.strip_prefix("n,,").expect("no channel binding").to_owned();
            let [user, nonce] = bare.split(',').collect::<Vec<_>>()[..] else { panic!("user and nonce: {bare}") };
            let user = user[2..].replace("=2C", ",").replace("=3D", "=");
            let Some(keys) = guard.keys(mechanism, &user, id) else { return invalid(mechanism) };
            let (salt, count) = (STANDARD.encode(guard.salt(id)), guard.iterations);
            let challenge = format!("{nonce}of-the-server,s={salt},i={count}");
            let bytes = challenge.clone().into_bytes();
            Outcome::Goes(bytes, Step::Challenged { mechanism, keys, first_bare: bare, challenge })
        }
        Step::Challenged { mechanism, keys, first_bare, challenge } => {
            let (digest, hmac, _) = hashes(mechanism);
            let (without, proof) = text.split_once(",p=").expect("a proof");
            let auth = format!("{first_bare},{challenge},{without}");
            let signature = hmac::sign(&hmac::Key::new(hmac, &keys.stored), auth.as_bytes());
            let proof = STANDARD.decode(proof).expect("base64");
            let client: Vec<u8> = proof.iter().zip(signature.as_ref()).map(|(proof, sign)| proof ^ sign).collect();
            if digest::digest(digest, &client).as_ref() != keys.stored {
                return invalid(mechanism);
            }
            let own = hmac::sign(&hmac::Key::new(hmac, &keys.server), auth.as_bytes());
            accepted(guard, format!("v={}", STANDARD.encode(own)).into_bytes())
        }
        Step::Doubted if said == b"\x01" => Outcome::Fails("{\"status\":\"invalid_token\"}".to_owned()),
        _ => Outcome::Fails("SaslAuthenticate request received after successful authentication".to_owned()),
    }
}

fn accepted(guard: &Guard, bytes: Vec<u8>) -> Outcome {
    guard.hear(|heard| heard.accepted += 1);
    let lifetime = Duration::from_millis(u64::from(guard.session_ms));
    Outcome::Goes(bytes, Step::In((!lifetime.is_zero()).then(|| Instant::now() + lifetime)))
}

fn invalid(mechanism: &str) -> Outcome {
    let words = "Authentication failed during authentication due to invalid credentials with SASL mechanism";
    Outcome::Fails(format!("{words} {mechanism}"))
}

/// A token that is known, or an unsecured one of a user's.
fn bearer(guard: &Guard, said: &str) -> Outcome {
    let token = said.strip_prefix("n,,\u{1}auth=Bearer ").and_then(|rest| rest.strip_suffix("\u{1}\u{1}"));
    let token = token.expect("a token").split('\u{1}').next().expect("a token");
    let is_users = |claims: &str| {
        let claims = URL_SAFE_NO_PAD.decode(claims).unwrap_or_default();
        let claims = String::from_utf8(claims).unwrap_or_default();
        guard.users.keys().any(|user| claims.contains(&format!("\"sub\":\"{user}\"")))
    };
    if guard.tokens.lock().expect("the tokens").contains(token) || token.split('.').nth(1).is_some_and(is_users) {
        return accepted(guard, Vec::new());
    }
    Outcome::Goes(b"{\"status\":\"invalid_token\"}".to_vec(), Step::Doubted)
}

async fn read(stream: &mut (impl AsyncRead + Unpin)) -> io::Result<Bytes> {
    let mut frame = vec![0; stream.read_u32().await? as usize];
    stream.read_exact(&mut frame).await?;
    Ok(frame.into())
}

async fn write(stream: &mut (impl AsyncWrite + Unpin), frame: &[u8]) -> io::Result<()> {
    let length = u32::try_from(frame.len()).expect("a small frame");
    stream.write_all(&[&length.to_be_bytes(), frame].concat()).await?;
    stream.flush().await
}
