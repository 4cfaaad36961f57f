use terrace_addr::{Addr, Gpa, Gva};

fn touch(_: Addr<Gva>) {}

fn main() {
    touch(Addr::<Gpa>::new(0x1000));
}
