//! Texts of values and values of texts, as Python writes and reads them.

use num_bigint::BigInt;
use num_traits::Num;

/// `'...'` of characters: as short as Python's, escaped where a character is not printable.
pub fn str_repr(points: impl Iterator<Item = u32> + Clone) -> String {
    let has = |c: char| points.clone().any(|p| p == u32::from(c));
    let quote = if has('\'') && !has('"') { '"' } else { '\'' };
    let mut out = String::from(quote);
    for point in points.clone() {
        match char::from_u32(point) {
            Some(c) if c == quote || c == '\\' => out.extend(['\\', c]),
            Some('\n') => out.push_str("\\n"),
            Some('\r') => out.push_str("\\r"),
            Some('\t') => out.push_str("\\t"),
            Some(c @ ' '..='~') => out.push(c),
            Some(c) if !c.is_ascii() && !c.is_whitespace() && c.escape_debug().count() == 1 => out.push(c),
            _ if point < 0x100 => out.push_str(&format!("\\x{point:02x}")),
            _ if point < 0x10000 => out.push_str(&format!("\\u{point:04x}")),
            _ => out.push_str(&format!("\\U{point:08x}")),
        }
    }
    out.push(quote);
    out
}

/// `b'...'` of bytes.
pub fn bytes_repr(bytes: &[u8]) -> String {
    let quote = if bytes.contains(&b'\'') && !bytes.contains(&b'"') { '"' } else { '\'' };
    let mut out = format!("b{quote}");
    for &byte in bytes {
        match byte {
            b'\\' => out.push_str("\\\\"),
            b'\n' => out.push_str("\\n"),
            b'\r' => out.push_str("\\r"),
            b'\t' => out.push_str("\\t"),
            b' '..=b'~' if char::from(byte) == quote => out.extend(['\\', quote]),
            b' '..=b'~' => out.push(char::from(byte)),
            _ => out.push_str(&format!("\\x{byte:02x}")),
        }
    }
    out.push(quote);
    out
}

/// The shortest text that reads as the same float; with an exponent below 1e-4 and from 1e16 on.
pub fn float_repr(value: f64) -> String {
    if value.is_nan() {
        return "nan".into();
    }
    if value.is_infinite() {
        return if value > 0.0 { "inf".into() } else { "-inf".into() };
    }
    let scientific = format!("{value:e}");
    let (mantissa, exponent) = scientific.split_once('e').expect("an exponent");
    let exponent: i32 = exponent.parse().expect("a number");
    if value != 0.0 && !(-4..16).contains(&exponent) {
        let sign = if exponent < 0 { '-' } else { '+' };
        return format!("{mantissa}e{sign}{:02}", exponent.abs());
    }
    let plain = format!("{value}");
    if plain.contains('.') { plain } else { plain + ".0" }
}

/// Removes the underscores that may stand between digits; `None` when one stands elsewhere.
fn without_underscores(text: &str) -> Option<String> {
    if !text.contains('_') {
        return Some(text.into());
    }
    let bytes = text.as_bytes();
    let fine = bytes.iter().enumerate().all(|(i, &c)| {
        c != b'_'
            || (i > 0
                && bytes[i - 1].is_ascii_alphanumeric()
                && bytes.get(i + 1).is_some_and(u8::is_ascii_alphanumeric))
    });
    fine.then(|| text.replace('_', ""))
}

/// An int of a text in a base; base 0 reads a prefix.
pub fn parse_int(text: &str, base: i32) -> Option<BigInt> {
    let text = text.trim();
    let (negative, digits) = match text.as_bytes().first()? {
        b'-' => (true, &text[1..]),
        b'+' => (false, &text[1..]),
        _ => (false, text),
    };
    let prefix = |letter: char| {
        let rest = digits.strip_prefix('0')?;
        rest.strip_prefix([letter, letter.to_ascii_uppercase()]).map(|rest| rest.strip_prefix('_').unwrap_or(rest))
    };
    let (radix, digits) = match base {
        0 | 16 if prefix('x').is_some() => (16, prefix('x')?),
        0 | 8 if prefix('o').is_some() => (8, prefix('o')?),
        0 | 2 if prefix('b').is_some() => (2, prefix('b')?),
        0 if digits.starts_with('0') && digits.bytes().any(|c| c.is_ascii_alphanumeric() && c != b'0') => return None,
        0 => (10, digits),
        2..=36 => (base as u32, digits),
        _ => return None,
    };
    let digits = without_underscores(digits)?;
    if digits.is_empty() || !digits.bytes().all(|c| c.is_ascii_alphanumeric()) {
        return None;
    }
    let value = BigInt::from_str_radix(&digits, radix).ok()?;
    Some(if negative { -value } else { value })
}

/// A float of a text.
pub fn parse_float(text: &str) -> Option<f64> {
    let text = without_underscores(text.trim())?;
    let unsigned = text.trim_start_matches(['+', '-']).to_ascii_lowercase();
    if !matches!(unsigned.as_str(), "inf" | "infinity" | "nan")
        && !unsigned.bytes().all(|c| c.is_ascii_digit() || matches!(c, b'.' | b'e' | b'+' | b'-'))
    {
        return None;
    }
    text.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn floats_are_written_as_python_writes_them() {
        for (value, text) in [
            (0.0, "0.0"),
            (-0.0, "-0.0"),
            (1.0, "1.0"),
            (0.1, "0.1"),
            (1e16, "1e+16"),
            (1e15, "1000000000000000.0"),
            (123456789012345680.0, "1.2345678901234568e+17"),
            (0.0001, "0.0001"),
            (0.00001, "1e-05"),
            (f64::INFINITY, "inf"),
            (5e-324, "5e-324"),
        ] {
            assert_eq!(float_repr(value), text);
        }
    }

    #[test]
    fn strings_are_quoted_as_python_quotes_them() {
        let repr = |text: &str| str_repr(text.chars().map(u32::from));
        assert_eq!(repr("a'b"), "\"a'b\"");
        assert_eq!(repr("a'\"b"), "'a\\'\"b'");
        assert_eq!(repr("\0\n\u{e9}\u{a0}\u{200b}\u{1f600}"), "'\\x00\\né\\xa0\\u200b😀'");
        assert_eq!(str_repr([0xd800].into_iter()), "'\\ud800'");
        assert_eq!(bytes_repr(b"a'\xff\n"), "b\"a'\\xff\\n\"");
    }

    #[test]
    fn ints_are_read_in_any_base() {
        let value = |text, base| parse_int(text, base).map(|v| v.to_string());
        assert_eq!(value(" -0x_ff ", 0).as_deref(), Some("-255"));
        assert_eq!(value("1_000", 10).as_deref(), Some("1000"));
        assert_eq!(value("zz", 36).as_deref(), Some("1295"));
        for bad in ["", "-", "1__0", "_1", "1_", "0x", "08", "1.0"] {
            assert_eq!(value(bad, 0), None, "{bad}");
        }
    }
}
