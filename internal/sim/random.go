package sim

import (
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"time"
)

// Random gives the numbers for the nth thing of a kind and name at a vendor.
func Random(seed uint64, vendor, kind, name string, n int) *rand.Rand {
	h := fnv.New64a()
	_, _ = fmt.Fprint(h, vendor, " ", kind, " ", name, " ", n) // a hash takes everything
	return rand.New(rand.NewPCG(seed, h.Sum64()))
}

// Latency is how long an answer takes: between half of answer and the whole of it.
func Latency(answer time.Duration, r *rand.Rand) time.Duration {
	half := answer / 2
	return half + time.Duration(r.Float64()*float64(half))
}
