//go:build bench

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	webhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"github.com/project-gimbal/fleet/events"
	"github.com/project-gimbal/fleet/internal/asl"
	"github.com/project-gimbal/fleet/internal/budget"
	"github.com/project-gimbal/fleet/internal/clock"
	"github.com/project-gimbal/fleet/internal/fleet"
	"github.com/project-gimbal/fleet/internal/local/world"
	"github.com/project-gimbal/fleet/internal/schema/memory"
	"github.com/project-gimbal/fleet/internal/seal"
	"github.com/project-gimbal/fleet/internal/sim"
	"github.com/project-gimbal/fleet/internal/sim/supabase"
	"github.com/project-gimbal/fleet/internal/step"
	"github.com/project-gimbal/fleet/internal/store"
	"github.com/project-gimbal/fleet/internal/store/bolt"
)

// bench is a world in virtual time with the vendors' usual latencies.
type bench struct {
	t     *testing.T
	play  *play
	world *world.World
	// budgeted counts the calls that Supabase's limit counts.
	budgeted atomic.Int64
}

// inBench runs a measurement in a bubble of virtual time.
func inBench(t *testing.T, seed uint64, change func(*world.Options), measure func(b *bench)) {
	t.Helper()
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		b := &bench{t: t, play: &play{watch: newWatch(), screen: silent{}, stop: newInterrupts(), options: demoOptions{seed: seed}}}
		o := b.options(dir, seed)
		if change != nil {
			change(&o)
		}
		var err error
		if b.world, err = world.New(o); err != nil {
			t.Fatal(err)
		}
		b.play.system = &system{clock: o.Clock, world: b.world, url: b.world.PublicURL, credentials: o.Credentials}
		measure(b)
		b.settle()
	})
}

func (b *bench) options(dir string, seed uint64) world.Options {
	c := clock.System()
	open := func(bucket string, indexes []string) *bolt.Table {
		opened, err := bolt.Open(filepath.Join(dir, "fleet.db"), c, indexes, bolt.Options{Bucket: bucket})
		if err != nil {
			b.t.Fatal(err)
		}
		b.t.Cleanup(func() { _ = opened.Close() })
		return opened
	}
	key, err := seal.MemoryKey()
	if err != nil {
		b.t.Fatal(err)
	}
	release, err := events.Release()
	if err != nil {
		b.t.Fatal(err)
	}
	databases := &memory.Store{}
	return world.Options{Clock: c, Seed: seed, Table: open("fleet", store.Indexes()), Keys: open("keys", nil), KeyEncryptionKey: key,
		Credentials: newCredentials(), Quotas: world.Quotas(), Databases: supabase.NoDatabases{}, OpenDatabase: databases.Open,
		DatabaseURL: "postgres://{user}@{host}:5432/postgres", Release: release, Latency: world.Latency{Answer: ordinaryCall, Lag: listLag},
		Hooks: world.Hooks{OnCall: func(place asl.Place, call sim.Call) {
			b.play.watch.called(place, call)
			if call.Vendor == "supabase" && strings.HasPrefix(call.Path, "/v1/") {
				b.budgeted.Add(1)
			}
		}}}
}

func (b *bench) settle() {
	b.t.Helper()
	if err := b.world.Settle(b.t.Context()); err != nil {
		b.t.Fatal(err)
	}
}

// ask sends a request to the front and decodes its answer.
func (b *bench) ask(path string, body []byte, header http.Header) (id string) {
	b.t.Helper()
	q := httptest.NewRequestWithContext(b.t.Context(), http.MethodPost, path, bytes.NewReader(body))
	maps.Copy(q.Header, header)
	out := httptest.NewRecorder()
	b.world.Front().ServeHTTP(out, q)
	var answer progress
	if err := json.Unmarshal(out.Body.Bytes(), &answer); err != nil || out.Code != http.StatusAccepted {
		b.t.Fatalf("%s answered %d: %s", path, out.Code, out.Body)
	}
	return answer.ID
}

// signup signs the n-th company up.
func (b *bench) signup(n uint64) string {
	b.t.Helper()
	sample, err := events.Signup()
	if err != nil {
		b.t.Fatal(err)
	}
	body := bytes.ReplaceAll(sample, []byte(`"acme-dental"`), fmt.Appendf(nil, `"company-%d"`, n))
	hook, err := webhooks.NewWebhook(b.play.system.credentials[step.WebhookSecret])
	if err != nil {
		b.t.Fatal(err)
	}
	id, now := fmt.Sprint("msg_bench_", n), b.play.system.clock.Now()
	signature, err := hook.Sign(id, now, body)
	if err != nil {
		b.t.Fatal(err)
	}
	return b.ask("/signups", body, http.Header{"Webhook-Id": {id}, "Webhook-Timestamp": {strconv.FormatInt(now.Unix(), 10)}, "Webhook-Signature": {signature}})
}

func (b *bench) approve(id string) {
	b.t.Helper()
	b.ask("/signups/"+id+"/approve", nil, http.Header{"Authorization": {"Bearer " + b.play.system.credentials[step.OperatorToken]}})
}

// measurePaths compares provisionings with their critical paths, and counts their transitions and retries.
func measurePaths(t *testing.T, b *board, seeds int) {
	var ratios, walls, transitions, retries []float64
	for seed := range uint64(seeds) {
		inBench(t, seed, nil, func(w *bench) {
			id := w.signup(seed)
			w.play.instance.Store(&id)
			w.approve(id)
			w.settle()
			r, err := w.play.report(t.Context())
			if err != nil || r.Outcome != outcomeActive {
				t.Fatalf("seed %d ends %s: %v", seed, r.Outcome, err)
			}
			again := int64(0)
			for _, s := range r.Path {
				again += max(0, s.Attempts-1)
			}
			walls, ratios = append(walls, *r.Wall), append(ratios, *r.Wall / *r.Critical)
			transitions, retries = append(transitions, float64(r.Transitions)), append(retries, float64(again))
		})
	}
	most := func(of []float64) (most float64) {
		for _, v := range of {
			most = max(most, v)
		}
		return most
	}
	b.limited(fmt.Sprintf("provisioning over its critical path, median of %d seeds", seeds), median(ratios), "×", 1.03)
	b.limited("  worst", most(ratios), "×", 1.10)
	b.add("provisioning, vendors' time, median", median(walls), "s")
	b.limited("transitions of a provisioning, most", most(transitions), "", 35)
	b.add("retries of a provisioning, median", median(retries), "")
	b.add("  most", most(retries), "")
}

// measureBudgets counts how many provisionings an hour brings within the vendors' published limits, and how many those bear: what is
// left for provisionings of Supabase's calls, over what one of them asks.
func measureBudgets(t *testing.T, b *board, n int) {
	inBench(t, 1, nil, func(w *bench) {
		var ids []string
		for i := range n {
			ids = append(ids, w.signup(uint64(i)))
		}
		for _, id := range ids {
			w.approve(id)
		}
		before := w.budgeted.Load()
		w.finish(ids)
		each := float64(w.budgeted.Load()-before) / float64(n)
		limits, _ := budget.Limits(nil).Of("supabase")
		slots := budget.Limits(nil).Slots(fleet.Vendors(), 0)
		bear := float64(limits.Reserve[budget.Provisioning]) / limits.Period.Hours() / each
		hours, mean := w.lasted(ids)
		b.add(fmt.Sprintf("within the budgets, %d at once: provisionings an hour, of %d", slots, n), float64(n)/hours, "1/h")
		b.add("  so many bear the slots, each always taken", float64(slots)/mean, "1/h")
		b.add("  so many bears the provisionings' share of Supabase's budget", bear, "1/h")
		b.add("  Supabase's calls for each", each, "")
		b.add("  provisionings over what the slots bear", float64(n)/hours*mean/float64(slots), "×")
		b.add("  provisionings over what the budget bears", float64(n)/hours/bear, "×")
	})
}

// finish lets schedules run until all are ACTIVE.
func (b *bench) finish(ids []string) {
	b.t.Helper()
	ctx, cancel := context.WithCancel(b.t.Context())
	b.world.RunSchedules(ctx)
	for _, id := range ids {
		for {
			i, err := b.world.Store.Instance(ctx, id)
			if err != nil || i != nil && i.State == fleet.Terminated {
				b.t.Fatalf("%s: %+v, %v", id, i, err)
			}
			if i != nil && i.State == fleet.Active {
				break
			}
			time.Sleep(time.Second)
		}
	}
	cancel()
	b.settle()
}

// lasted gives how many hours passed from the first one's begin until the last was ACTIVE, and how many each took, on average.
func (b *bench) lasted(ids []string) (hours, mean float64) {
	b.t.Helper()
	var first, last time.Time
	for _, id := range ids {
		i, err := b.world.Store.Instance(b.t.Context(), id)
		if err != nil {
			b.t.Fatal(err)
		}
		o, err := b.world.Store.Operation(b.t.Context(), id, fleet.ProvisionID(id))
		if err != nil {
			b.t.Fatal(err)
		}
		if first.IsZero() || o.StartedAt.Before(first) {
			first = o.StartedAt
		}
		if i.ActivatedAt.After(last) {
			last = i.ActivatedAt
		}
		mean += i.ActivatedAt.Sub(o.StartedAt).Hours() / float64(len(ids))
	}
	return last.Sub(first).Hours(), mean
}

// measureMany provisions many with the vendors' limits lifted, and a tenth as many before, to see what grows. Each is a fleet's
// whole time, signing up included; the processor's time ignores what else the machine does.
func measureMany(t *testing.T, b *board, n int) {
	fewer, more := provisionMany(t, b, n/10), provisionMany(t, b, n)
	b.add(fmt.Sprintf("  processor's time of each, %d over %d", n, n/10), more.cpu/fewer.cpu/10, "×")
	b.add("  memory in use for each", more.heap/fewer.heap/10, "×")
}

// spent is what a measurement took: seconds of the machine and of its processors, MB in use at the end.
type spent struct{ wall, cpu, heap float64 }

func provisionMany(t *testing.T, b *board, n int) (s spent) {
	forgetPeak()
	took, cpu := stopwatch(), processed()
	inBench(t, 1, lifted(n), func(w *bench) {
		w.world.Vendors.Twilio.MaxAccounts, w.world.Vendors.Twilio.MaxServices = 2*n, 2*n
		var ids []string
		for i := range n {
			ids = append(ids, w.signup(uint64(i)))
		}
		for _, id := range ids {
			w.approve(id)
		}
		w.finish(ids)
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		s.heap = float64(m.HeapAlloc) / 1e6
	})
	s.wall, s.cpu = took(), processed()-cpu
	b.add(fmt.Sprintf("%d provisionings at once, without budgets", n), s.wall, "s of the machine's")
	b.add("  processor's time for each", 1000*s.cpu/float64(n), "ms")
	b.add("  memory in use at the end", s.heap, "MB")
	b.add("  memory of the process, at most", peak(), "MB")
	return s
}

// processed is the time that processors have spent on this process, in seconds.
func processed() float64 {
	var u syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &u) // fails for a wrong argument only
	return (time.Duration(u.Utime.Nano()) + time.Duration(u.Stime.Nano())).Seconds()
}

// forgetPeak lets peak begin anew, where Linux allows it.
func forgetPeak() {
	debug.FreeOSMemory()
	_ = os.WriteFile("/proc/self/clear_refs", []byte("5"), 0)
}

// lifted lets n be provisioned at once, and the vendors take it.
func lifted(n int) func(*world.Options) {
	return func(o *world.Options) {
		o.Limits = budget.Limits{"supabase": 120_000, "cloudflare": 1_200_000}
		o.Records, o.RateLimitRules, o.Quotas = 20*n, 2*n, nil
	}
}

// peak is the most memory that this process has had since forgetPeak, in MB; 0 where that isn't Linux.
func peak() float64 {
	fields := strings.Fields(firstWords("/proc/self/status", 200))
	for i, field := range fields[:max(0, len(fields)-1)] {
		if field == "VmHWM:" {
			kilobytes, _ := strconv.ParseFloat(fields[i+1], 64)
			return kilobytes / 1000
		}
	}
	return 0
}
