//! Values come out of pickles, calls are kept, and programs that are broken or made up end in an error.

use super::value::Value;
use super::{MOST_OPCODES, read};
use crate::weights::cursor::Fault;

fn fault(pickle: &[u8]) -> Fault {
    read(pickle, 0).unwrap_err()
}

#[test]
fn numbers_texts_and_dictionaries_come_out() {
    let bytes = b"\x80\x02}q\x00(X\x01\x00\x00\x00aK\x07X\x01\x00\x00\x00bJ\xff\xff\xff\xffX\x01\x00\x00\x00c\x8a\x02\x00\x80u.rest";
    let pickle = read(bytes, 0).unwrap();
    let root = pickle.root();
    assert_eq!(pickle.count(pickle.entry(root, "a").unwrap()), Some(7));
    let b = pickle.entry(root, "b").unwrap();
    assert_eq!(pickle.value(b), &Value::Int(-1));
    let c = pickle.entry(root, "c").unwrap();
    assert_eq!(pickle.value(c), &Value::Int(-32768));
    assert_eq!(&bytes[pickle.end()..], b"rest");
}

#[test]
fn a_call_is_kept_and_not_made() {
    let pickle = read(b"\x80\x02cos\nsystem\nX\x02\x00\x00\x00ls\x85R.", 0).unwrap();
    assert_eq!(pickle.kind(pickle.root()), "os.system");
    let pickle = read(b"ccollections\nOrderedDict\n)R.", 0).unwrap();
    assert_eq!(pickle.dict(pickle.root()), Some(&[][..]));
}

#[test]
fn an_ordered_dict_of_python_2_is_a_dictionary() {
    let pickle = read(b"ccollections\nOrderedDict\n(](](U\x01aK\x05eetR.", 0).unwrap();
    let five = pickle.entry(pickle.root(), "a").unwrap();
    assert_eq!(pickle.count(five), Some(5));
}

#[test]
fn protocol_0_as_python_2_writes_it_is_read() {
    let pickle = read(b"(lp1\nS'TRAADIN128F931D672'\np2\naS\"it's\\n\\x00\\xff\"\np3\naVn\\u00e9\np4\nag2\naI01\naL-7L\na.", 0);
    let pickle = pickle.unwrap();
    let Value::List(items) = pickle.value(pickle.root()) else {
        panic!("a list");
    };
    assert_eq!(pickle.text(items[0]), Some("TRAADIN128F931D672"));
    assert_eq!(pickle.raw(items[1]), Some(&b"it's\n\0\xff"[..]));
    assert_eq!(pickle.raw(items[2]), Some("né".as_bytes()));
    assert_eq!(items[3], items[0], "remembered");
    assert_eq!(pickle.value(items[4]), &Value::Bool(true));
    assert_eq!(pickle.value(items[5]), &Value::Int(-7));
}

#[test]
fn broken_pickles_end_in_an_error_that_says_where() {
    assert_eq!(fault(b"").at, 0);
    assert_eq!(fault(b"NNe.").at, 2);
    assert!(fault(b"(N(0e0.").what.contains("empty stack"));
    assert!(fault(b"h\x05.").what.contains("remembered"));
    assert!(fault(b"X\xff\xff\xff\xffabc.").what.contains("a text"));
    assert!(fault(b"z1\n.").what.contains("0x7a"));
    assert!(fault(b"I1x\n.").what.contains("not a number"));
    assert!(fault(b"S'a\n.").what.contains("quotes"));
    assert!(fault(b"S'a'").what.contains("ends within"));
    assert!(fault(b"NNa.").what.contains("not a list"));
}

#[test]
fn deep_nesting_and_endless_programs_are_harmless() {
    // A list in a list in a list ..., and a list that holds itself.
    let mut deep = vec![b']'; 300_000];
    deep.extend(vec![b'a'; 299_999]);
    deep.push(b'.');
    assert!(read(&deep, 0).is_ok());
    assert!(read(b"]q\x00h\x00a.", 0).is_ok());
    let endless = vec![b'N'; MOST_OPCODES + 1];
    assert!(fault(&endless).what.contains("instructions"));
}

#[test]
fn a_list_that_many_calls_copy_is_not_copied_for_ever() {
    let mut file = b"ccollections\nOrderedDict\nq\x00(](".to_vec();
    file.extend(
        [
            b"]q\x01(NNe".as_slice(),
            &[b"h\x01".as_slice(); 9999].concat(),
        ]
        .concat(),
    );
    file.extend(b"etq\x02");
    file.extend(b"h\x00h\x02R".repeat(1000));
    file.push(b'.');
    assert!(fault(&file).what.contains("copied too often"));
}
