//! SCRAM-SHA-256 and SCRAM-SHA-512 (RFC 5802, RFC 7677), without channel binding: what the client says, and whether the
//! server proves that it knows the password as well.
//!
//! The keys that are made of a password cost a millisecond and more, and are the same for every node that has the same
//! salt. Kafka keeps one salt for each user, so a whole cluster costs one of them. Not here: bytes on the wire.

use std::collections::VecDeque;
use std::num::NonZeroU32;
use std::sync::{Arc, Mutex, PoisonError};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ring::rand::{SecureRandom, SystemRandom};
use ring::{digest, hmac, pbkdf2};

use super::Secret;

/// No channel binding, and nobody to act for.
const GS2_HEADER: &str = "n,,";
/// Our half of a nonce, in random bytes: more than the 16 that collisions need.
const NONCE_BYTES: usize = 24;
/// Kafka stores no credential with fewer iterations, and its own client refuses fewer (`ScramMechanism.java`): a server
/// that asked for one iteration would be told a proof from which the password is soon guessed.
const ITERATIONS_MIN: u32 = 4_096;
/// Kafka lets nobody ask for more than 16,384 (KIP-554); what was written straight into ZooKeeper may have more. So many
/// take a third of a second, in which nobody else is asked.
const ITERATIONS_MAX: u32 = 1_000_000;
/// The longest salt, nonce or message of a server's that is taken, in bytes. Kafka's salts have some 26, and its nonces as
/// many.
const SALT_MAX: usize = 1_024;
const MESSAGE_MAX: usize = 4_096;
/// How many keys are kept: brokers and controllers may have different salts, and passwords may be set anew meanwhile.
const KEYS_MAX: usize = 16;

/// The hash of a mechanism.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ScramHash {
    /// SCRAM-SHA-256.
    Sha256,
    /// SCRAM-SHA-512.
    Sha512,
}

impl ScramHash {
    /// The mechanism's name.
    pub(super) fn mechanism(self) -> &'static str {
        match self {
            Self::Sha256 => "SCRAM-SHA-256",
            Self::Sha512 => "SCRAM-SHA-512",
        }
    }

    fn digest(self) -> &'static digest::Algorithm {
        match self {
            Self::Sha256 => &digest::SHA256,
            Self::Sha512 => &digest::SHA512,
        }
    }

    fn hmac(self) -> hmac::Algorithm {
        match self {
            Self::Sha256 => hmac::HMAC_SHA256,
            Self::Sha512 => hmac::HMAC_SHA512,
        }
    }

    fn pbkdf2(self) -> pbkdf2::Algorithm {
        match self {
            Self::Sha256 => pbkdf2::PBKDF2_HMAC_SHA256,
            Self::Sha512 => pbkdf2::PBKDF2_HMAC_SHA512,
        }
    }
}

/// A user's credentials, and the keys that were made of them so far.
pub(super) struct Scram {
    pub(super) hash: ScramHash,
    pub(super) user: String,
    pub(super) password: Secret,
    made: Mutex<Made>,
}

/// The keys, the oldest first.
#[derive(Default)]
struct Made {
    keys: VecDeque<(Salt, Arc<Keys>)>,
    count: usize,
}

/// What a server keeps the keys of a user by.
#[derive(Clone, PartialEq, Eq)]
struct Salt {
    salt: Vec<u8>,
    iterations: NonZeroU32,
}

/// What is made of a password, a salt and a number of iterations.
struct Keys {
    client: Vec<u8>,
    stored: hmac::Key,
    server: hmac::Key,
}

impl Scram {
    pub(super) fn new(hash: ScramHash, user: String, password: Secret) -> Self {
        Self { hash, user, password, made: Mutex::default() }
    }

    /// How often keys were made of the password.
    pub(super) fn derivations(&self) -> usize {
        self.made.lock().unwrap_or_else(PoisonError::into_inner).count
    }

    /// The keys of this salt. Whoever else wants keys waits meanwhile, so that nobody makes the same.
    fn keys(&self, salt: &Salt) -> Arc<Keys> {
        let mut made = self.made.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, keys)) = made.keys.iter().find(|(other, _)| other == salt) {
            return Arc::clone(keys);
        }
        let mut salted = vec![0; self.hash.digest().output_len()];
        // Kafka takes a password's UTF-8 as it is (`ScramFormatter.normalize`): no SASLprep, which ASCII would pass unchanged.
        let password = self.password.expose().as_bytes();
        pbkdf2::derive(self.hash.pbkdf2(), salt.iterations, &salt.salt, password, &mut salted);
        let salted = hmac::Key::new(self.hash.hmac(), &salted);
        let client = hmac::sign(&salted, b"Client Key").as_ref().to_vec();
        let stored = digest::digest(self.hash.digest(), &client);
        let keys = Arc::new(Keys {
            stored: hmac::Key::new(self.hash.hmac(), stored.as_ref()),
            server: hmac::Key::new(self.hash.hmac(), hmac::sign(&salted, b"Server Key").as_ref()),
            client,
        });
        made.count += 1;
        if made.keys.len() >= KEYS_MAX {
            made.keys.pop_front();
        }
        made.keys.push_back((salt.clone(), Arc::clone(&keys)));
        keys
    }
}

/// Why a server's message was not taken; never with a secret in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Doubt {
    /// The message is not what the mechanism says, or the server does not know the password.
    Untrue(String),
    /// The server says that it rejects the login, in these words of its own.
    Rejected(String),
}

/// A new nonce of ours, in characters that may stand in a message.
///
/// # Errors
/// The words that say so, when the operating system has no random bytes.
pub(super) fn nonce() -> Result<String, String> {
    let mut random = [0; NONCE_BYTES];
    let filled = SystemRandom::new().fill(&mut random);
    filled.map_err(|_| "the operating system has no random numbers".to_owned())?;
    Ok(STANDARD.encode(random))
}

/// One login, from the client's side.
pub(super) struct ScramTurn<'a> {
    scram: &'a Scram,
    nonce: String,
    step: Step,
}

/// What is awaited.
enum Step {
    /// Salt, iterations and the server's half of the nonce.
    Challenge,
    /// The server's proof, which must be this one's.
    Proof { server: Arc<Keys>, auth_message: String },
    /// Nothing more.
    Over,
}

impl<'a> ScramTurn<'a> {
    /// Begins a login with this nonce, which must never be used again.
    pub(super) fn new(scram: &'a Scram, nonce: String) -> Self {
        Self { scram, nonce, step: Step::Challenge }
    }

    /// What the client says first.
    pub(super) fn first(&self) -> Vec<u8> {
        format!("{GS2_HEADER}{}", self.first_bare()).into_bytes()
    }

    fn first_bare(&self) -> String {
        let user = self.scram.user.replace('=', "=3D").replace(',', "=2C");
        format!("n={user},r={}", self.nonce)
    }

    /// What the client says to this; nothing once the server has proved itself.
    ///
    /// # Errors
    /// [`Doubt`] when the server's message is not to be believed, or says that it rejects the login.
    pub(super) fn next(&mut self, message: &[u8]) -> Result<Option<Vec<u8>>, Doubt> {
        let step = std::mem::replace(&mut self.step, Step::Over);
        let message = std::str::from_utf8(message).ok().filter(|message| message.len() <= MESSAGE_MAX);
        let Some(message) = message else { return Err(untrue("a message that is too long or no text")) };
        match step {
            Step::Challenge => self.answer(message).map(Some),
            Step::Proof { server, auth_message } => proved(&server, &auth_message, message).map(|()| None),
            Step::Over => Err(untrue("a message after the last one")),
        }
    }

    /// The client's proof.
    fn answer(&mut self, challenge: &str) -> Result<Vec<u8>, Doubt> {
        let mut attributes = challenge.split(',');
        let mut attribute = |name: &str, what: &str| match attributes.next().and_then(|it| it.split_once('=')) {
            Some((found, value)) if found == name => Ok(value),
            // An extension that whoever does not know it must not pass over; nobody knows one.
            Some(("m", _)) => Err(untrue("a mandatory extension (m=), which is not known")),
            Some(("e", words)) => Err(Doubt::Rejected(words.to_owned())),
            _ => Err(untrue(&format!("a challenge without {what} ({name}=) in its place"))),
        };
        let nonce = attribute("r", "the nonce")?;
        let salt = attribute("s", "the salt")?;
        let iterations = attribute("i", "the number of iterations")?;
        if !nonce.starts_with(&self.nonce) || nonce.len() == self.nonce.len() {
            return Err(untrue("a nonce that does not continue ours"));
        }
        let salt = STANDARD.decode(salt).ok().filter(|salt| !salt.is_empty() && salt.len() <= SALT_MAX);
        let salt = salt.ok_or_else(|| untrue("a salt that is too long or no base64"))?;
        let within = |count: &NonZeroU32| (ITERATIONS_MIN..=ITERATIONS_MAX).contains(&count.get());
        let iterations = iterations.parse().ok().filter(within).ok_or_else(|| {
            untrue(&format!("a number of iterations that is none from {ITERATIONS_MIN} to {ITERATIONS_MAX}"))
        })?;
        let keys = self.scram.keys(&Salt { salt, iterations });
        let without_proof = format!("c={},r={nonce}", STANDARD.encode(GS2_HEADER));
        let auth_message = format!("{},{challenge},{without_proof}", self.first_bare());
        let signature = hmac::sign(&keys.stored, auth_message.as_bytes());
        let proof: Vec<u8> = keys.client.iter().zip(signature.as_ref()).map(|(key, sign)| key ^ sign).collect();
        self.step = Step::Proof { server: keys, auth_message };
        Ok(format!("{without_proof},p={}", STANDARD.encode(proof)).into_bytes())
    }
}

/// Whether the server has signed what was said, with a key that only the password leads to.
fn proved(keys: &Keys, auth_message: &str, message: &str) -> Result<(), Doubt> {
    let first = message.split(',').next().unwrap_or_default();
    match first.split_once('=') {
        Some(("e", words)) => Err(Doubt::Rejected(words.to_owned())),
        Some(("v", signature)) => {
            let signature = STANDARD.decode(signature).map_err(|_| untrue("a signature that is no base64"))?;
            // In constant time.
            hmac::verify(&keys.server, auth_message.as_bytes(), &signature).map_err(|_| {
                untrue("a signature that proves that it does not know the password: it may be an impostor")
            })
        }
        _ => Err(untrue("no signature (v=) of its own")),
    }
}

fn untrue(what: &str) -> Doubt {
    Doubt::Untrue(what.to_owned())
}
