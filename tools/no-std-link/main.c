/* Calls each function of the static library once; exits with 0 if all answers are right. */
#include <stdint.h>
#include <stdio.h>

uint64_t terrace_translate(uint64_t address);
uint32_t terrace_set_of(uint32_t entries, uint32_t ways, uint32_t page);
uint64_t terrace_seed(uint64_t seed);
uint64_t terrace_first_block(void);
uint64_t terrace_systems_built(void);

static int wrong;

static void expect(const char *what, uint64_t is, uint64_t should)
{
    if (is != should) {
        fprintf(stderr, "%s: %#llx, not %#llx\n", what, (unsigned long long)is, (unsigned long long)should);
        wrong = 1;
    }
}

int main(void)
{
    expect("a mapped address", terrace_translate(0x7f1234567abc), 0x200abc);
    expect("a non-canonical address", terrace_translate(UINT64_C(1) << 60), 0);
    expect("a set of 16", terrace_set_of(64, 4, 0x35), 5);
    expect("a set of a ragged array", terrace_set_of(65, 4, 0), UINT32_MAX);
    expect("two runs share a seed", terrace_seed(1) == terrace_seed(2), 0);
    expect("the first block of a memory", terrace_first_block(), 0);
    expect("the systems of a host", terrace_systems_built(), 13);
    return wrong;
}
