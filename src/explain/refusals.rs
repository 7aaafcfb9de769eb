//! What it means to be turned away: by name, by the network, by TLS, by a login, for want of a right.
//!
//! Not here: how a refusal is recognized (`observe`), and every other reason for which something is not seen (`notes`).

use crate::snapshot::Why;
use crate::stages::Look;

const HANDSHAKE: &[&Look] = &[&Look {
    run: "openssl s_client -connect $BROKER -CAfile ca.pem </dev/null",
    tells: "the listener's certificates, by whom and for whom, until when, and whether they verify",
}];
const LISTENERS: &[&Look] = &[&Look {
    run: "grep -e ^listeners= -e security.protocol.map -e ssl. -e sasl. \\\n  server.properties",
    tells: "what each listener of the node speaks: PLAINTEXT, SSL, SASL_PLAINTEXT or SASL_SSL, and which mechanisms",
}];
const ACLS: &[&Look] =
    &[&Look { run: "kafka-acls.sh --bootstrap-server $BROKER --list", tells: "who may do what, beside super.users" }];

/// What it means, how to look by hand, what to do; nothing for what is no refusal.
pub(super) fn words(why: Why) -> Option<(&'static str, &'static [&'static Look], &'static str)> {
    Some(match why {
        Why::UnknownHost => (
            "the host's name is not known to the resolver of this host",
            &[],
            "see to the name, or give the node's address as ID@HOST:PORT",
        ),
        Why::ConnectTimedOut => (
            "no connection in time: the host is down, or something in between drops the packets",
            &[],
            "see that the host's port can be reached from here; a slow way needs --request-timeout",
        ),
        Why::Denied => (
            "the node denied the request; before the copy controllers have no ACLs, so that only super.users may ask. Of a \
             page: it wants other credentials (401), denies us (403), or Jolokia's policy does not let the bean be read",
            ACLS,
            "grant the right that the message names; before the copy, ask the controllers as one of super.users; of a \
             page, give its credentials, or let Jolokia's policy allow ZkMigrationState",
        ),
        _ => return of_tls(why).or_else(|| of_login(why)),
    })
}

fn of_tls(why: Why) -> Option<(&'static str, &'static [&'static Look], &'static str)> {
    Some(match why {
        Why::TlsExpected => (
            "the listener answered a plain request with TLS: its security.protocol is SSL or SASL_SSL",
            HANDSHAKE,
            "set security.protocol=SSL or SASL_SSL in the file of --command-config",
        ),
        Why::TlsNotSpoken => (
            "the listener closed the connection on the first words of TLS: its security.protocol is PLAINTEXT or \
             SASL_PLAINTEXT",
            LISTENERS,
            "set security.protocol=PLAINTEXT or SASL_PLAINTEXT, or give the port of the listener that speaks TLS; where \
             the controllers' differs from the brokers', give --controller-command-config",
        ),
        Why::TlsUnknownIssuer => (
            "the listener's certificate is of an issuer that the truststore does not have",
            HANDSHAKE,
            "set ssl.truststore.location to a store that has the issuer's certificate",
        ),
        Why::TlsWrongHostname => (
            "the listener's certificate is of other hosts: only its subjectAltName counts, its CN does not",
            HANDSHAKE,
            "give the node by a name that its certificate has, or have a certificate made that has this one",
        ),
        Why::TlsExpired => (
            "the listener's certificate is not valid any more, or not yet",
            HANDSHAKE,
            "renew the listener's certificate; if it is valid, set the clock of this host",
        ),
        Why::TlsCaAsServer => (
            "the listener shows a certificate authority's own certificate, which Java accepts and kraft-check does not",
            HANDSHAKE,
            "have a certificate made for the listener that is no authority's (CA:FALSE)",
        ),
        Why::TlsUnsupportedKey => (
            "the key or signature of a certificate is of a kind that kraft-check cannot verify, such as P-521 or SHA-1",
            HANDSHAKE,
            "have a certificate made with a key of P-256, P-384, Ed25519 or RSA, signed with SHA-2",
        ),
        Why::TlsClientRefused => (
            "the listener does not accept our certificate, or wants one and got none (ssl.client.auth=required)",
            HANDSHAKE,
            "set ssl.keystore.location to a store with a certificate that the listener's truststore accepts",
        ),
        Why::TlsAlert => (
            "the listener ended the handshake with an alert of TLS, which the message names",
            HANDSHAKE,
            "see ssl.enabled.protocols and ssl.cipher.suites on both sides, and the node's log",
        ),
        Why::TlsFailed => (
            "the handshake of TLS failed on our side, for the reason that the message names",
            HANDSHAKE,
            "see that the port is a Kafka listener's, and the node's log",
        ),
        _ => return None,
    })
}

fn of_login(why: Why) -> Option<(&'static str, &'static [&'static Look], &'static str)> {
    Some(match why {
        Why::SaslExpected => (
            "the listener wants a login by SASL before it answers, and none was given",
            LISTENERS,
            "set security.protocol=SASL_SSL or SASL_PLAINTEXT, sasl.mechanism and sasl.jaas.config in the file of \
             --command-config",
        ),
        Why::SaslNotSpoken => (
            "the listener knows no login: its security.protocol is PLAINTEXT or SSL",
            LISTENERS,
            "set security.protocol=SSL or PLAINTEXT, or give the port of the listener that has SASL",
        ),
        Why::SaslMechanism => (
            "the listener knows logins, but not by this sasl.mechanism; the message names its own",
            LISTENERS,
            "set sasl.mechanism to one that the listener names, with credentials for it",
        ),
        Why::SaslFailed => (
            "the listener rejected the credentials: unknown user, wrong password, or a token of no use",
            LISTENERS,
            "see to user and password in sasl.jaas.config; controllers may know other users than brokers do: give \
             --controller-command-config then",
        ),
        Why::NoToken => (
            "no token could be had from the token endpoint or file, so nobody could log in",
            &[],
            "see to sasl.oauthbearer.token.endpoint.url, to the credentials for it, and to the log of who issues tokens",
        ),
        _ => return None,
    })
}
