//go:build faults

package faults_test

import (
	"math/rand/v2"
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
	Seed uint64 `json:"seed"`
	result
}

// random plays the random cases.
func (b *base) random(t *testing.T, clean, failing *workflow) []seeded {
	t.Helper()
	var cases []script
	for i := range uint64(*seeds / *sample) {
		cases = append(cases, draw(*seed+i, clean, failing))
	}
	all := make([]seeded, len(cases))
	b.playAll(t, cases, clean.kinds, func(i int, r result) bool {
		all[i] = seeded{*seed + uint64(i), r}
		tell(t, r)
		return true
	})
	return all
}
