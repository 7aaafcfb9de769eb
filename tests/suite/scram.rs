//! Does SCRAM say what the RFCs say, and is every lying server refused?

use std::sync::Arc;

use kraft_check::security::{Failed, Login, ScramHash, Secret};

/// RFC 7677, 3: user, password and the client's nonce.
const NONCE: &str = "rOprNGfwEbeRWgbNEkqO";
const CHALLENGE: &str = "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096";
const PROOF: &str =
    "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=";
const SIGNATURE: &str = "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=";

/// What a client says.
struct Case {
    hash: ScramHash,
    user: &'static str,
    password: &'static str,
    nonce: &'static str,
    first: &'static str,
    challenge: &'static str,
    proof: &'static str,
    signature: &'static str,
}

/// The first is RFC 7677's own. The others were made by hashlib and hmac of Python 3.11, which make the first as well.
const CASES: [Case; 3] = [
    Case {
        hash: ScramHash::Sha256,
        user: "user",
        password: "pencil",
        nonce: NONCE,
        first: "n,,n=user,r=rOprNGfwEbeRWgbNEkqO",
        challenge: CHALLENGE,
        proof: PROOF,
        signature: SIGNATURE,
    },
    Case {
        hash: ScramHash::Sha512,
        user: "user",
        password: "pencil",
        nonce: NONCE,
        first: "n,,n=user,r=rOprNGfwEbeRWgbNEkqO",
        challenge: "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=8192",
        proof: "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=6HZ5rUA3PgkE/X3DbWzXrokJFsM9zr9o7EgisWdn\
                KczXrIzjgD4BKpBTn7XAOVwLeZUg1pFRTcesJnSwFTQsIw==",
        signature: "v=RqO11yK/xS8vUqXJmCYvXcKjTIkTicWzQEDh94upkSMgEZfW9mqg9ws9DPT5rQ74uE1weAEpGS1Y6Q6l6KVKXw==",
    },
    // A name that must be escaped, and a password that is not ASCII.
    Case {
        hash: ScramHash::Sha512,
        user: "a=b,ü",
        password: "hushhush-ß",
        nonce: "fyko+d2lbbFgONRvkyko",
        first: "n,,n=a=3Db=2Cü,r=fyko+d2lbbFgONRvkyko",
        challenge: "r=fyko+d2lbbFgONRvkykoXYZ,s=QSXCR+Q6sek8bf92,i=4096",
        proof: "c=biws,r=fyko+d2lbbFgONRvkykoXYZ,p=wkjUjzxFG7PXotrXfUU4N3EgTDPRbyovYUcVouTbbsbZ1bHdTcmYGJNjna7wxQw/Tur9\
                N7KDL14MyzmeAghsmg==",
        signature: "v=GeWOLkIbMWEM9CfGbmw/CfSVxIXRphWJTch4MnnmtMnPJRAFA0hmTyw7rcXzodOOJX4xAMvrXJgiEdMoxQy1vw==",
    },
];

fn login(hash: ScramHash, user: &str, password: &str) -> Login {
    Login::scram(hash, user.to_owned(), Secret::new(password))
}

fn of_the_rfc() -> Login {
    login(ScramHash::Sha256, "user", "pencil")
}

#[test]
fn every_word_is_that_of_the_rfc_and_of_another_implementation() {
    for case in &CASES {
        let login = login(case.hash, case.user, case.password);
        let mut turn = login.begin_with_nonce(case.nonce).expect("SCRAM");
        assert_eq!(String::from_utf8(turn.first()).expect("text"), case.first);
        let proof = turn.next(case.challenge.as_bytes()).expect("a sound challenge").expect("a proof");
        assert_eq!(String::from_utf8(proof).expect("text"), case.proof);
        assert_eq!(turn.next(case.signature.as_bytes()), Ok(None));
    }
}

#[test]
fn a_challenge_that_is_not_to_be_believed_is_not_answered_and_costs_no_key() {
    let salt = "s=W22ZaJ0SNY7soEsUEjb6gQ==";
    let long_salt = format!("r={NONCE}x,s={},i=4096", "QUJD".repeat(400));
    let long_nonce = format!("r={NONCE}{},{salt},i=4096", "x".repeat(5_000));
    let lies = [
        (format!("r=another,{salt},i=4096"), "nonce"),
        (format!("r={NONCE},{salt},i=4096"), "nonce"),
        (format!("r=x{NONCE},{salt},i=4096"), "nonce"),
        (format!("r={NONCE}x,{salt},i=1"), "iterations"),
        (format!("r={NONCE}x,{salt},i=4095"), "iterations"),
        (format!("r={NONCE}x,{salt},i=1000001"), "iterations"),
        (format!("r={NONCE}x,{salt},i=4294967295"), "iterations"),
        (format!("r={NONCE}x,{salt},i=-4096"), "iterations"),
        (format!("r={NONCE}x,{salt},i="), "iterations"),
        (format!("r={NONCE}x,{salt}"), "i="),
        (format!("r={NONCE}x,i=4096"), "s="),
        (format!("{salt},i=4096,r={NONCE}x"), "r="),
        (format!("m=more,r={NONCE}x,{salt},i=4096"), "m="),
        (format!("r={NONCE}x,s=,i=4096"), "salt"),
        (format!("r={NONCE}x,s=***,i=4096"), "salt"),
        (long_salt, "salt"),
        (long_nonce, "too long"),
        (String::new(), "r="),
        (",,,,=,=".to_owned(), "r="),
    ];
    for (lie, names) in lies {
        let login = of_the_rfc();
        let mut turn = login.begin_with_nonce(NONCE).expect("SCRAM");
        match turn.next(lie.as_bytes()) {
            Err(Failed::Untrue(words)) => assert!(words.contains(names), "{lie}: {words}"),
            other => panic!("{lie}: {other:?}"),
        }
        assert_eq!(login.derivations(), 0, "{lie}");
        // And nothing that comes later makes it good.
        assert!(turn.next(CHALLENGE.as_bytes()).is_err(), "{lie}");
    }
    let no_text = of_the_rfc().begin_with_nonce(NONCE).expect("SCRAM").next(&[0xff, 0xfe]);
    assert!(matches!(no_text, Err(Failed::Untrue(_))));
}

#[test]
fn a_server_that_cannot_sign_is_refused() {
    let wrong = "v=7rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=";
    for lie in [wrong, "v=", "v=6rri", "v=***", "", "x=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=", "v"] {
        let login = of_the_rfc();
        let mut turn = login.begin_with_nonce(NONCE).expect("SCRAM");
        let _proof = turn.next(CHALLENGE.as_bytes()).expect("a sound challenge");
        assert!(matches!(turn.next(lie.as_bytes()), Err(Failed::Untrue(_))), "{lie}");
    }
}

#[test]
fn a_server_that_says_why_not_is_quoted_briefly_and_never_with_the_password() {
    let long = format!("e={}", "x".repeat(4_000));
    let said = [("e=unknown-user", "unknown-user"), ("e=in\u{1b}[31mred", "in [31mred"), (&long, "xxx")];
    for (said, quoted) in said {
        let login = of_the_rfc();
        let mut turn = login.begin_with_nonce(NONCE).expect("SCRAM");
        let _proof = turn.next(CHALLENGE.as_bytes()).expect("a sound challenge");
        match turn.next(said.as_bytes()) {
            Err(Failed::Rejected(words)) => assert!(words.contains(quoted) && words.len() <= 120, "{words}"),
            other => panic!("{other:?}"),
        }
    }
    let login = login(ScramHash::Sha512, "probe", "hushhush");
    let mut turn = login.begin_with_nonce(NONCE).expect("SCRAM");
    match turn.next(b"e=the password hushhush is wrong") {
        Err(Failed::Rejected(words)) => assert!(!words.contains("hush"), "{words}"),
        other => panic!("{other:?}"),
    }
}

#[test]
fn keys_are_made_once_for_each_salt_however_many_log_in_and_not_kept_for_ever() {
    let login = Arc::new(login(ScramHash::Sha512, "probe", "hushhush"));
    let once = |nonce: &str, salt: &str| {
        let mut turn = login.begin_with_nonce(nonce).expect("SCRAM");
        let challenge = format!("r={nonce}x,s={salt},i=4096");
        turn.next(challenge.as_bytes()).expect("a sound challenge").expect("a proof")
    };
    let proofs: Vec<Vec<u8>> = (0..100).map(|number| once(&format!("nonce{number}"), "c2FsdA==")).collect();
    assert_eq!(login.derivations(), 1);
    assert!(proofs.iter().skip(1).all(|proof| *proof != proofs[0]), "every proof is of its own nonce");
    for number in 10..40 {
        let _proof = once("nonce", &format!("c2Fs{number}AA"));
    }
    assert_eq!(login.derivations(), 31);
    let _proof = once("nonce", "c2Fs39AA");
    assert_eq!(login.derivations(), 31, "the newest are kept");
    let _proof = once("nonce", "c2FsdA==");
    assert_eq!(login.derivations(), 32, "the oldest is not");
}

#[test]
fn nobody_sees_a_password_in_what_is_shown_of_a_login() {
    let scram = login(ScramHash::Sha256, "probe", "hushhush");
    let plain = Login::plain("probe".to_owned(), Secret::new("hushhush"));
    for (login, mechanism) in [(&scram, "SCRAM-SHA-256"), (&plain, "PLAIN")] {
        let shown = format!("{login:?} {login:#?}");
        assert!(shown.contains(mechanism) && shown.contains("probe") && !shown.contains("hush"), "{shown}");
        assert_eq!((login.mechanism(), login.user()), (mechanism, Some("probe")));
    }
}
