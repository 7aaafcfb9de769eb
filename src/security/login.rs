//! Logging in by SASL: PLAIN (RFC 4616), SCRAM (RFC 5802) and OAUTHBEARER (RFC 7628, KIP-255), as what the client says to
//! what the server says.
//!
//! One login is shared by all conversations, with the keys and tokens that it has had already. Not here: the requests of
//! Kafka that carry it (`observe`).

use std::fmt;

use tokio::time::Instant;

use super::Secret;
use super::scram::{self, Doubt, Scram, ScramHash, ScramTurn};
use super::token::{TokenSource, Tokens, own_words};

/// What ends a part of an OAUTHBEARER message, and is the answer to a refusal.
const CONTROL_A: char = '\u{1}';

/// Who we are to listeners with SASL, and how that is proved.
pub struct Login(Mechanism);

enum Mechanism {
    Plain { user: String, password: Secret },
    Scram(Scram),
    OauthBearer { tokens: Tokens, extensions: Vec<(String, String)> },
}

impl Login {
    /// PLAIN: the password itself goes to the listener, readable for everybody on the way without TLS.
    #[must_use]
    pub fn plain(user: String, password: Secret) -> Self {
        Self(Mechanism::Plain { user, password })
    }

    /// SCRAM: only proofs go to the listener, and it must prove itself.
    #[must_use]
    pub fn scram(hash: ScramHash, user: String, password: Secret) -> Self {
        Self(Mechanism::Scram(Scram::new(hash, user, password)))
    }

    /// OAUTHBEARER: a token goes to the listener, and SASL extensions (KIP-342).
    #[must_use]
    pub fn oauth_bearer(source: TokenSource, extensions: Vec<(String, String)>) -> Self {
        Self(Mechanism::OauthBearer { tokens: Tokens::new(source), extensions })
    }

    /// The mechanism's name, as `sasl.mechanism` has it.
    #[must_use]
    pub fn mechanism(&self) -> &'static str {
        match &self.0 {
            Mechanism::Plain { .. } => "PLAIN",
            Mechanism::Scram(scram) => scram.hash.mechanism(),
            Mechanism::OauthBearer { .. } => "OAUTHBEARER",
        }
    }

    /// The user's name, or the id by which a token endpoint knows us.
    #[must_use]
    pub fn user(&self) -> Option<&str> {
        match &self.0 {
            Mechanism::Plain { user, .. } | Mechanism::Scram(Scram { user, .. }) => Some(user),
            Mechanism::OauthBearer { tokens, .. } => match tokens.source() {
                TokenSource::Endpoint { client_id, .. } => Some(client_id),
                TokenSource::File(_) | TokenSource::Unsecured { .. } => None,
            },
        }
    }

    /// How often keys were made of the password so far: of SCRAM once for each salt and number of iterations, of every
    /// other mechanism never.
    #[must_use]
    pub fn derivations(&self) -> usize {
        match &self.0 {
            Mechanism::Scram(scram) => scram.derivations(),
            _ => 0,
        }
    }

    /// Begins to log in over one connection.
    ///
    /// # Errors
    /// Why nothing can be said, in words without a secret: no token by `deadline`, or extensions that cannot be sent.
    pub(crate) async fn begin(&self, deadline: Instant) -> Result<Turn<'_>, String> {
        let (said, step, secret) = match &self.0 {
            Mechanism::Plain { user, password } => {
                (format!("\0{user}\0{}", password.expose()).into_bytes(), Step::Accepted, password.clone())
            }
            Mechanism::Scram(scram) => return Ok(Turn::by_scram(scram, scram::nonce()?)),
            Mechanism::OauthBearer { tokens, extensions } => {
                let token = tokens.token(deadline).await?;
                (bearer(&token, extensions)?, Step::Bearer, token)
            }
        };
        Ok(Turn { said, step, secret })
    }

    /// Begins to log in by SCRAM with a nonce that somebody else has chosen, as examples do; `None`: by another mechanism.
    #[doc(hidden)]
    #[must_use]
    pub fn begin_with_nonce(&self, nonce: &str) -> Option<Turn<'_>> {
        let Mechanism::Scram(scram) = &self.0 else { return None };
        Some(Turn::by_scram(scram, nonce.to_owned()))
    }
}

impl fmt::Debug for Login {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Login").field("mechanism", &self.mechanism()).field("user", &self.user()).finish()
    }
}

/// What the client says first (RFC 7628, 3.1): nobody to act for, the token, the extensions.
fn bearer(token: &Secret, extensions: &[(String, String)]) -> Result<Vec<u8>, String> {
    let mut said = format!("n,,{CONTROL_A}auth=Bearer {}{CONTROL_A}", token.expose());
    for (name, value) in extensions {
        // As `SaslExtensions` and `OAuthBearerClientInitialResponse` of Kafka have it.
        let sound = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphabetic()) && name != "auth";
        let printable = |byte: u8| (b' '..=b'~').contains(&byte) || b"\t\r\n".contains(&byte);
        if !sound || value.is_empty() || !value.bytes().all(printable) {
            return Err(format!(
                "the SASL extension {name:?} cannot be sent: a name is of letters, a value is printable"
            ));
        }
        said.extend([name, "=", value]);
        said.push(CONTROL_A);
    }
    said.push(CONTROL_A);
    Ok(said.into_bytes())
}

/// One login over one connection.
pub struct Turn<'a> {
    said: Vec<u8>,
    step: Step<'a>,
    secret: Secret,
}

enum Step<'a> {
    /// The listener has heard all, and may have nothing more to say.
    Accepted,
    Scram(ScramTurn<'a>),
    /// The listener says nothing, or why not.
    Bearer,
    /// The listener has said why not, and must end it.
    Refused(String),
}

/// Why a login came to nothing, in words without a secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Failed {
    /// What the listener said is not what the mechanism says, or it does not prove itself.
    Untrue(String),
    /// The listener rejects the login, in these words.
    Rejected(String),
}

impl<'a> Turn<'a> {
    /// Begins with this nonce, which must never be used again.
    fn by_scram(scram: &'a Scram, nonce: String) -> Self {
        let turn = ScramTurn::new(scram, nonce);
        Self { said: turn.first(), step: Step::Scram(turn), secret: scram.password.clone() }
    }

    /// What is to be said first; later on what [`Turn::next`] says.
    #[must_use]
    pub fn first(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.said)
    }

    /// What is to be said to what the listener has answered without an error; nothing once it is over.
    ///
    /// # Errors
    /// [`Failed`] when the answer is not to be believed, or says that the login is rejected.
    pub fn next(&mut self, answer: &[u8]) -> Result<Option<Vec<u8>>, Failed> {
        match &mut self.step {
            Step::Accepted | Step::Bearer if answer.is_empty() => Ok(None),
            Step::Accepted => Err(Failed::Untrue("the listener answers what the mechanism does not know".to_owned())),
            Step::Scram(turn) => turn.next(answer).map_err(|doubt| match doubt {
                Doubt::Untrue(what) => Failed::Untrue(format!("the listener answers with {what}")),
                Doubt::Rejected(words) => Failed::Rejected(own_words(&words, &self.secret)),
            }),
            Step::Bearer => {
                let words = own_words(&String::from_utf8_lossy(answer), &self.secret);
                self.step = Step::Refused(words);
                Ok(Some(vec![CONTROL_A as u8]))
            }
            Step::Refused(words) => Err(Failed::Rejected(std::mem::take(words))),
        }
    }

    /// The words with which the listener ended it, as they may be repeated; of OAUTHBEARER what it said before.
    #[must_use]
    pub fn words(&self, message: Option<&str>) -> String {
        match (message.filter(|message| !message.trim().is_empty()), &self.step) {
            (Some(message), _) => own_words(message, &self.secret),
            (None, Step::Refused(words)) => words.clone(),
            (None, _) => "without a word".to_owned(),
        }
    }
}
