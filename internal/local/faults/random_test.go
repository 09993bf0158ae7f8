//go:build faults

package faults_test

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/project-gimbal/fleet/internal/sim"
)

// fatal are the calls one of which fails for good where a random run is to be taken down, early ones and late ones.
var fatal = []string{"vercel.CreateProject", "twilio.CreateKey", "sendgrid.ValidateDomain", "supabase.UpdateAuthConfig",
	"vercel.CreateDeployment", "cloudflare.UpdateRecord"}

// draw gives the case of a seed: one to five faults of the matrix, in a run that ends well or in one that is taken down.
func draw(seed uint64, clean, failing *workflow) script {
	random := rand.New(rand.NewPCG(seed, 0))
	pool := clean.cells()
	s := script{{seed: seed}}
	if random.IntN(5) < 2 {
		pool = append(pool, failing.cells()...)
		s = append(s, strike{call: sim.Rule{Call: fatal[random.IntN(len(fatal))], Kind: sim.Denied, From: 1}})
	}
	return append(s, mix(random, pool)...)
}

// drawEnd gives the case of a seed in a part of an end: one to five faults of its own, and cancellings. The world stays the one in which
// the instance was made: what its vendors have drawn has to go on.
func drawEnd(seed uint64, f *workflow) script {
	random := rand.New(rand.NewPCG(seed, 1))
	return append(slices.Clone(f.given), mix(random, f.cells())...)
}

// mix gives the faults of one to five cells.
func mix(random *rand.Rand, pool []cell) (s script) {
	for range 1 + random.IntN(5) {
		c := pool[random.IntN(len(pool))]
		for _, one := range c.faults {
			if one.call.Kind == sim.Delayed { // in any invocation, at any moment: within the bounds in all of them
				one.call.After = time.Duration(21+random.IntN(30)) * time.Second
			}
			if one.call.Kind != sim.Denied {
				s = append(s, one)
			}
		}
	}
	return s
}

// seeded is a random case and what became of it.
type seeded struct {
	Workflow string `json:"workflow"`
	Seed     uint64 `json:"seed"`
	result
}

// random plays the random cases of a workflow, each as it is drawn.
func (b *base) random(t *testing.T, name string, n int, want map[string]int, draw func(seed uint64) script) []seeded {
	t.Helper()
	var cases []script
	for i := range uint64(n / *sample) {
		cases = append(cases, draw(*seed+i))
	}
	all := make([]seeded, len(cases))
	b.playAll(t, cases, want, func(i int, r result) bool {
		all[i] = seeded{name, *seed + uint64(i), r}
		tell(t, name, r)
		return true
	})
	return all
}
