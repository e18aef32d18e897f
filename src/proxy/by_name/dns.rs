//! Answers to questions of DNS (RFC 1035): each name has one address. Pure.
//!
//! A name is never said not to exist: programs would look for it elsewhere, or not at all. It has one address of IPv4, and nothing of any other kind.

use std::net::Ipv4Addr;

/// A message's header.
const HEADER: usize = 12;
/// The longest name, in octets.
const MOST_NAME: usize = 255;
/// How long an answer holds, in seconds.
const TTL: u32 = 60;

const TYPE_A: u16 = 1;
const TYPE_ANY: u16 = 255;
const CLASS_INTERNET: u16 = 1;

/// The bits of the header's second word: a response; what kind of question it was; that recursion was wanted, and is to be had.
const RESPONSE: u16 = 0x8000;
const KIND: u16 = 0x7800;
const WANTED: u16 = 0x0100;
const TO_BE_HAD: u16 = 0x0080;
/// The question cannot be read; it is of a kind that is not answered.
const FORMAT_ERROR: u16 = 1;
const NOT_IMPLEMENTED: u16 = 4;

/// The question of a message: where it ends, and what it asks.
struct Question {
    end: usize,
    is_local: bool,
    kind: u16,
    class: u16,
}

/// The answer to a message; `None` if it is none that is answered. `address` is that of every name but `localhost`, which is loopback's.
pub(super) fn answer(message: &[u8], address: Ipv4Addr) -> Option<Vec<u8>> {
    let flags = word(message, 2)?;
    if message.len() < HEADER || flags & RESPONSE != 0 {
        return None;
    }
    let head = |result: u16, questions: u16, answers: u16| {
        let flags = RESPONSE | (flags & (KIND | WANTED)) | TO_BE_HAD | result;
        let mut head = message[..2].to_vec();
        head.extend([flags, questions, answers, 0, 0].into_iter().flat_map(u16::to_be_bytes));
        head
    };
    if flags & KIND != 0 {
        return Some(head(NOT_IMPLEMENTED, 0, 0));
    }
    let Some(question) = question(message).filter(|_| word(message, 4) == Some(1)) else {
        return Some(head(FORMAT_ERROR, 0, 0));
    };
    let is_asked = matches!(question.kind, TYPE_A | TYPE_ANY) && question.class == CLASS_INTERNET;
    let mut answer = head(0, 1, u16::from(is_asked));
    answer.extend_from_slice(&message[HEADER..question.end]);
    if is_asked {
        let address = if question.is_local { Ipv4Addr::LOCALHOST } else { address };
        // The name is that of the question, which begins after the header.
        answer.extend_from_slice(&[0xC0, 0x0C]);
        answer.extend([TYPE_A, CLASS_INTERNET].into_iter().flat_map(u16::to_be_bytes));
        answer.extend_from_slice(&TTL.to_be_bytes());
        answer.extend_from_slice(&4_u16.to_be_bytes());
        answer.extend_from_slice(&address.octets());
    }
    Some(answer)
}

fn question(message: &[u8]) -> Option<Question> {
    let mut at = HEADER;
    let mut last: &[u8] = &[];
    loop {
        let len = usize::from(*message.get(at)?);
        at += 1;
        match len {
            0 => break,
            1..64 => last = message.get(at..at + len)?,
            // A question's name is never shortened.
            _ => return None,
        }
        at += len;
        if at - HEADER > MOST_NAME {
            return None;
        }
    }
    let (kind, class) = (word(message, at)?, word(message, at + 2)?);
    Some(Question { end: at + 4, is_local: last.eq_ignore_ascii_case(b"localhost"), kind, class })
}

fn word(message: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_be_bytes(message.get(at..at + 2)?.try_into().ok()?))
}

#[cfg(test)]
mod tests {
    use hickory_resolver::proto::{
        op::{Message, OpCode, Query, ResponseCode},
        rr::{DNSClass, Name, RData, RecordType},
    };
    use proptest::prelude::*;

    use super::*;

    const ADDRESS: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 1);

    fn ask(name: &str, kind: RecordType) -> Message {
        let mut message = Message::query();
        message.metadata.id = 7;
        message.metadata.recursion_desired = true;
        message.add_query(Query::query(Name::from_ascii(name).unwrap(), kind));
        message
    }

    fn said(message: &Message) -> Message {
        Message::from_vec(&answer(&message.to_vec().unwrap(), ADDRESS).unwrap()).unwrap()
    }

    #[test]
    fn every_name_has_one_address_and_nothing_else() {
        for (name, kind, expected) in [
            ("files.example.", RecordType::A, Some(ADDRESS)),
            ("a.b.c.d.example.", RecordType::ANY, Some(ADDRESS)),
            ("localhost.", RecordType::A, Some(Ipv4Addr::LOCALHOST)),
            ("app.LocalHost.", RecordType::A, Some(Ipv4Addr::LOCALHOST)),
            ("files.example.", RecordType::AAAA, None),
            ("files.example.", RecordType::HTTPS, None),
            ("1.2.0.192.in-addr.arpa.", RecordType::PTR, None),
        ] {
            let asked = ask(name, kind);
            let answer = said(&asked);
            assert_eq!(
                (answer.metadata.id, answer.metadata.response_code),
                (7, ResponseCode::NoError),
                "{name} {kind}"
            );
            assert!(answer.metadata.recursion_desired && answer.metadata.recursion_available);
            assert_eq!(answer.queries, asked.queries);
            let found: Vec<_> =
                answer.answers.iter().map(|record| (&record.name, record.dns_class, &record.data)).collect();
            let expected = expected.map(|address| (asked.queries[0].name(), DNSClass::IN, RData::A(address.into())));
            assert_eq!(
                found,
                expected.iter().map(|(name, class, data)| (*name, *class, data)).collect::<Vec<_>>(),
                "{name} {kind}"
            );
        }
    }

    #[test]
    fn what_is_no_question_is_not_answered_as_one() {
        let mut update = ask("files.example.", RecordType::A);
        update.metadata.op_code = OpCode::Update;
        assert_eq!(said(&update).metadata.response_code, ResponseCode::NotImp);
        let mut two = ask("files.example.", RecordType::A);
        two.add_query(Query::query(Name::from_ascii("other.example.").unwrap(), RecordType::A));
        assert_eq!(said(&two).metadata.response_code, ResponseCode::FormErr);
        let whole = ask("files.example.", RecordType::A).to_vec().unwrap();
        for len in HEADER..whole.len() {
            let answer = Message::from_vec(&answer(&whole[..len], ADDRESS).unwrap()).unwrap();
            assert_eq!(answer.metadata.response_code, ResponseCode::FormErr, "{len}");
        }
        let mut response = whole.clone();
        response[2] |= 0x80;
        assert_eq!((answer(&response, ADDRESS), answer(&whole[..HEADER - 1], ADDRESS)), (None, None));
    }

    proptest! {
        #[test]
        fn no_message_is_too_odd(message in proptest::collection::vec(any::<u8>(), 0..600)) {
            if let Some(answer) = answer(&message, ADDRESS) {
                prop_assert!(answer.len() <= message.len() + 16);
            }
        }
    }
}
