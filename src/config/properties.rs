//! Java's `.properties`, as `java.util.Properties` reads them: keys and values, comments and lines that go on.
//!
//! Bytes are ISO-8859-1 to Java; those of UTF-8 are tolerated. Not here: which keys there are, and what they mean.

use std::collections::BTreeMap;
use std::iter::{Peekable, from_fn};
use std::str::Chars;

/// Keys and their values. Of a key that is given twice, the last one holds, as in Java.
pub type Properties = BTreeMap<String, String>;

/// What is wrong with the escape of a character. Nothing else can be: every other text is a key with a value.
const NO_ESCAPE: &str = "\\u is not followed by four hexadecimal digits that make a character";

/// Reads a file's bytes. Bytes that are UTF-8 are taken as such, others as ISO-8859-1.
///
/// # Errors
/// What is wrong with the text: only the escape of a character can be.
pub fn parse(bytes: &[u8]) -> Result<Properties, &'static str> {
    let text = match std::str::from_utf8(bytes) {
        Ok(text) => text.to_owned(),
        Err(_) => bytes.iter().copied().map(char::from).collect(),
    };
    let mut rest = text.chars().peekable();
    let lines = from_fn(|| logical_line(&mut rest));
    let mut properties: BTreeMap<Vec<u16>, Vec<u16>> = BTreeMap::new();
    for line in lines {
        let (key, value) = split(&line);
        properties.insert(unescaped(key)?, unescaped(value)?);
    }
    // Half a character in a value that does not hold is nobody's trouble.
    let text = |units: &[u16]| String::from_utf16(units).map_err(|_| NO_ESCAPE);
    properties.iter().map(|(key, value)| Ok((text(key)?, text(value)?))).collect()
}

/// The next line that is no comment, with those behind it that continue it. Blanks at the beginning of each are left
/// out. Empty is what comes of a lone backslash, a key without letters; lines without anything are none.
fn logical_line(rest: &mut Peekable<Chars<'_>>) -> Option<String> {
    let mut line = String::new();
    loop {
        while rest.next_if(|c| is_blank(*c)).is_some() {}
        if line.is_empty() && rest.next_if(|c| matches!(c, '#' | '!')).is_some() {
            while rest.next_if(|c| !is_end(*c)).is_some() {}
        }
        let mut escaped = false;
        while let Some(c) = rest.next_if(|c| !is_end(*c)) {
            escaped = c == '\\' && !escaped;
            line.push(c);
        }
        let end = rest.next();
        if escaped {
            line.pop();
            // Nothing is left to go on with.
            if end.is_none() || rest.peek().is_none() {
                return Some(line);
            }
            if end == Some('\r') {
                rest.next_if_eq(&'\n');
            }
            continue;
        }
        match end {
            _ if !line.is_empty() => return Some(line),
            None => return None,
            Some(_) => {}
        }
    }
}

/// The key and the value, both as they are written: apart by blanks, or by one `=` or `:` with blanks around it.
fn split(line: &str) -> (&str, &str) {
    let mut escaped = false;
    let end = line.find(|c| {
        let ends = !escaped && (is_blank(c) || is_separator(c));
        escaped = c == '\\' && !escaped;
        ends
    });
    let (key, rest) = line.split_at(end.unwrap_or(line.len()));
    let rest = rest.trim_start_matches(is_blank);
    (key, rest.strip_prefix(is_separator).unwrap_or(rest).trim_start_matches(is_blank))
}

/// Without backslashes. Java's characters have 16 bits, so that two escapes may make one of ours.
fn unescaped(text: &str) -> Result<Vec<u16>, &'static str> {
    let mut units: Vec<u16> = Vec::with_capacity(text.len());
    let mut rest = text.chars();
    while let Some(c) = rest.next() {
        let c = if c == '\\' { rest.next() } else { None }.map_or((c, false), |next| (next, true));
        let c = match c {
            ('u', true) => {
                let digits: String = rest.by_ref().take(4).collect();
                let is_number = digits.len() == 4 && digits.chars().all(|c| c.is_ascii_hexdigit());
                let unit = u16::from_str_radix(&digits, 16).ok().filter(|_| is_number);
                units.push(unit.ok_or(NO_ESCAPE)?);
                continue;
            }
            ('t', true) => '\t',
            ('n', true) => '\n',
            ('r', true) => '\r',
            ('f', true) => '\u{c}',
            (c, _) => c,
        };
        units.extend_from_slice(c.encode_utf16(&mut [0; 2]));
    }
    Ok(units)
}

fn is_blank(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\u{c}')
}

fn is_end(c: char) -> bool {
    matches!(c, '\n' | '\r')
}

fn is_separator(c: char) -> bool {
    matches!(c, '=' | ':')
}
