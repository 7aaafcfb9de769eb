//! Java's `.properties`, by examples that can be read. Thousands of others are held to Java itself in `tests/consumers`.

use kraft_check::config::properties::parse;

/// A text, and its keys with their values, in the order of the keys.
type Example<'a> = (&'a [u8], &'a [(&'a str, &'a str)]);

const EXAMPLES: &[Example<'_>] = &[
    (b"", &[]),
    (b"a=b", &[("a", "b")]),
    (b"a = b\n", &[("a", "b")]),
    (b"a:b", &[("a", "b")]),
    (b"a b c", &[("a", "b c")]),
    (b"a\t\x0c :=b ", &[("a", "=b ")]),
    (b"a", &[("a", "")]),
    (b"=b", &[("", "b")]),
    (b"a=1\na=2", &[("a", "2")]),
    (b"# a=b\n ! c=d\n\n \n e=f", &[("e", "f")]),
    (b"# a \\\nb=c", &[("b", "c")]),
    (b"a=b\\\n   c", &[("a", "bc")]),
    (b"a=b\\\r\n\tc\\\r d", &[("a", "bcd")]),
    (b"a=b\\\\\nc=d", &[("a", "b\\"), ("c", "d")]),
    (b"a=b\\\n# c\n", &[("a", "b# c")]),
    (b"a=b\\\n\nc=d", &[("a", "b"), ("c", "d")]),
    (b"a=b\\", &[("a", "b")]),
    (b"\\", &[("", "")]),
    (b"a\\=b\\ c\\:=d", &[("a=b c:", "d")]),
    (b"a=\\t\\n\\r\\f\\x\\\"", &[("a", "\t\n\r\u{c}x\"")]),
    (b"a=\\u00e4\\ud83d\\ude00", &[("a", "ä😀")]),
    (b"a=\xe4", &[("a", "ä")]),
    ("a=ä€".as_bytes(), &[("a", "ä€")]),
    (
        b"sasl.jaas.config=org.example.PlainLoginModule required \\\n  username=\"u\" \\\n  password=\"a=b:c\";\n",
        &[("sasl.jaas.config", "org.example.PlainLoginModule required username=\"u\" password=\"a=b:c\";")],
    ),
    (b"pem=-----BEGIN X-----\\n\\\nabc=\\n\\\n-----END X-----", &[("pem", "-----BEGIN X-----\nabc=\n-----END X-----")]),
];

#[test]
fn what_does_java_read_in_a_file_of_properties() {
    for (text, expected) in EXAMPLES {
        let read = parse(text).expect("properties");
        let read: Vec<(&str, &str)> = read.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect();
        assert_eq!(read, *expected, "{}", text.escape_ascii());
    }
}

#[test]
fn only_a_broken_escape_of_a_character_is_refused() {
    for text in [&b"a=\\u12"[..], b"a=\\u12g4", b"a=\\u+123", b"\\ud83d=a", b"a=\\ude00\\ud83d"] {
        let why = parse(text).expect_err("no properties");
        assert!(why.contains("four hexadecimal digits"), "{why}");
    }
}
