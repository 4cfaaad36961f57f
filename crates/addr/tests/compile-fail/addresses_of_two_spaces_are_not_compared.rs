use terrace_addr::{Addr, Ghpa, Hpa};

fn main() {
    let _ = Addr::<Ghpa>::new(0x1000) == Addr::<Hpa>::new(0x1000);
}
