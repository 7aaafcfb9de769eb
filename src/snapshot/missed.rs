//! Why something was not seen: a reason at the place where its answer would stand.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

/// Why something was not seen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Missed {
    /// The kind of reason.
    pub why: Why,
    /// The reason in words, without the name of the node.
    pub words: Cow<'static, str>,
}

impl Missed {
    /// A reason in words.
    #[must_use]
    pub fn new(why: Why, words: impl Into<Cow<'static, str>>) -> Self {
        Self { why, words: words.into() }
    }
}

/// The kinds of reasons for which something was not seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Why {
    /// Nobody told us where it is.
    NoAddress,
    /// It was not asked, because of what was seen or missed before.
    NotAsked,
    /// The node does not list the API, so it was not asked.
    NotListed,
    /// Nothing listens there.
    Refused,
    /// No connection in time.
    ConnectTimedOut,
    /// The host's name is not known.
    UnknownHost,
    /// The connection could not be made for another reason.
    Unreachable,
    /// No answer in time.
    TimedOut,
    /// The connection was closed before the answer was complete.
    Closed,
    /// The peer speaks another protocol or plays another role.
    WrongTarget,
    /// The listener speaks TLS, and was spoken to without.
    TlsExpected,
    /// The listener does not speak TLS, and was spoken to with it.
    TlsNotSpoken,
    /// The certificate is of an issuer that is not trusted.
    TlsUnknownIssuer,
    /// The certificate is of another host.
    TlsWrongHostname,
    /// The certificate is not valid any more, or not yet.
    TlsExpired,
    /// The certificate is a certificate authority's own, which no server may show.
    TlsCaAsServer,
    /// The key or signature is of a kind that this program cannot verify, such as P-521.
    TlsUnsupportedKey,
    /// The peer does not accept our certificate, or wants one and got none.
    TlsClientRefused,
    /// The peer ended the handshake with another alert.
    TlsAlert,
    /// The handshake failed in another way.
    TlsFailed,
    /// The listener wants a login, and there was none.
    SaslExpected,
    /// The listener knows no login, and there was one.
    SaslNotSpoken,
    /// The listener knows logins, but not by this mechanism.
    SaslMechanism,
    /// The credentials were rejected.
    SaslFailed,
    /// No token could be had to log in with.
    NoToken,
    /// The answer could not be read.
    Malformed,
    /// The answer was larger than what is read.
    TooLarge,
    /// The node denied the request.
    Denied,
    /// The node answered with another error.
    ErrorCode,
    /// The page was answered, but not with 200 and metrics.
    NotAPage,
    /// The page was answered, without this metric.
    WithoutMetric,
    /// The value is there and says that nothing is known yet.
    NotLoaded,
    /// The node answered and left out what it may not show to us, or does not know yet.
    NotShown,
    /// Several values, and no way to choose.
    Ambiguous,
    /// It was not said whom we expect.
    NoExpectation,
    /// It was seen once and could not be confirmed.
    NotConfirmed,
    /// A defect of this program, confined to this answer.
    Internal,
}

impl Why {
    /// Every kind.
    pub const ALL: [Self; 37] = [
        Self::NoAddress,
        Self::NotAsked,
        Self::NotListed,
        Self::Refused,
        Self::ConnectTimedOut,
        Self::UnknownHost,
        Self::Unreachable,
        Self::TimedOut,
        Self::Closed,
        Self::WrongTarget,
        Self::TlsExpected,
        Self::TlsNotSpoken,
        Self::TlsUnknownIssuer,
        Self::TlsWrongHostname,
        Self::TlsExpired,
        Self::TlsCaAsServer,
        Self::TlsUnsupportedKey,
        Self::TlsClientRefused,
        Self::TlsAlert,
        Self::TlsFailed,
        Self::SaslExpected,
        Self::SaslNotSpoken,
        Self::SaslMechanism,
        Self::SaslFailed,
        Self::NoToken,
        Self::Malformed,
        Self::TooLarge,
        Self::Denied,
        Self::ErrorCode,
        Self::NotAPage,
        Self::WithoutMetric,
        Self::NotLoaded,
        Self::NotShown,
        Self::Ambiguous,
        Self::NoExpectation,
        Self::NotConfirmed,
        Self::Internal,
    ];

    /// Whether the node turned us away: other credentials or rights are needed, and asking again will not help.
    #[must_use]
    pub fn is_refusal(self) -> bool {
        matches!(
            self,
            Self::Denied | Self::TlsClientRefused | Self::SaslExpected | Self::SaslMechanism | Self::SaslFailed
        )
    }

    /// The name under which it is reported.
    #[must_use]
    pub fn id(self) -> &'static str {
        match self {
            Self::NoAddress => "no-address",
            Self::NotAsked => "not-asked",
            Self::NotListed => "api-not-listed",
            Self::Refused => "connection-refused",
            Self::ConnectTimedOut => "connect-timed-out",
            Self::UnknownHost => "unknown-host",
            Self::Unreachable => "unreachable",
            Self::TimedOut => "timed-out",
            Self::Closed => "connection-closed",
            Self::WrongTarget => "wrong-target",
            Self::TlsExpected => "tls-expected",
            Self::TlsNotSpoken => "tls-not-spoken",
            Self::TlsUnknownIssuer => "tls-unknown-issuer",
            Self::TlsWrongHostname => "tls-wrong-hostname",
            Self::TlsExpired => "tls-expired",
            Self::TlsCaAsServer => "tls-ca-as-server",
            Self::TlsUnsupportedKey => "tls-unsupported-key",
            Self::TlsClientRefused => "tls-client-refused",
            Self::TlsAlert => "tls-alert",
            Self::TlsFailed => "tls-failed",
            Self::SaslExpected => "sasl-expected",
            Self::SaslNotSpoken => "sasl-not-spoken",
            Self::SaslMechanism => "sasl-mechanism",
            Self::SaslFailed => "sasl-failed",
            Self::NoToken => "no-token",
            Self::Malformed => "malformed-answer",
            Self::TooLarge => "answer-too-large",
            Self::Denied => "not-authorized",
            Self::ErrorCode => "error-code",
            Self::NotAPage => "not-a-metrics-page",
            Self::WithoutMetric => "page-without-metric",
            Self::NotLoaded => "not-loaded-yet",
            Self::NotShown => "not-shown",
            Self::Ambiguous => "ambiguous",
            Self::NoExpectation => "nobody-expected",
            Self::NotConfirmed => "not-confirmed",
            Self::Internal => "defect",
        }
    }
}
