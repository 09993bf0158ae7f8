//go:build e2e

package e2e

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/iam"
)

// within bounds a whole run, the scenarios included: what hangs must not hold up others' work.
const within = 8 * time.Minute

var keep = flag.Bool("keep", false, "keep the emulator's files, its log among them")

// shared is what all tests share.
var shared *site

func TestMain(m *testing.M) { os.Exit(run(m)) }

// run sets up, runs the tests, and stops what it started: also when the setting up fails, and at Ctrl-C.
func run(m *testing.M) (code int) {
	flag.Parse()
	if err := flag.Set("test.parallel", "32"); err != nil { // the scenarios wait for the most part
		fmt.Fprintln(os.Stderr, "e2e:", err)
		return 1
	}
	ctx, cancel := context.WithTimeout(context.Background(), within)
	defer cancel()
	s := &site{ctx: ctx}
	var once sync.Once
	end := func() {
		once.Do(func() {
			if err := s.close(); err != nil {
				fmt.Fprintln(os.Stderr, "e2e: stopping:", err)
				code = max(code, 1)
			}
		})
	}
	defer end()
	interrupted := make(chan os.Signal, 1)
	signal.Notify(interrupted, os.Interrupt, syscall.SIGTERM)
	go func() {
		<-interrupted
		fmt.Fprintln(os.Stderr, "e2e: stopping")
		cancel()
		end()
		os.Exit(130)
	}()
	if err := s.open(); err != nil {
		fmt.Fprintln(os.Stderr, "e2e:", err)
		return 1
	}
	shared = s
	code = m.Run()
	if code != 0 && s.cloud != nil {
		fmt.Fprintf(os.Stderr, "the end of the emulator's log:\n%s\n", tail(s.cloud.log))
	}
	return code
}

// site is a whole Fleet: the emulator, what is deployed on it, and the vendors.
type site struct {
	ctx         context.Context
	dir         string
	credentials map[string]string
	vendors     *vendors
	cloud       *emulator
	assembly    assembly
	deployment  *deployment
	api         *api
	mu          sync.Mutex // while it opens or closes
}

// open starts and deploys everything.
func (s *site) open() (err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.dir, err = os.MkdirTemp("", "gimbal-fleet-e2e-"); err != nil {
		return err
	}
	s.credentials = plantedCredentials()
	assembly := s.synthesised()
	for _, phase := range []struct {
		name string
		do   func() error
	}{
		{"PostgreSQL and the vendors", s.openVendors},
		{"the emulator", s.openEmulator},
		{"the rest of the synthesis", func() (err error) { s.assembly, err = assembly(); return err }},
		{"assets", s.publish},
		{"stacks", func() error { return s.deployment.create(s.ctx) }},
		{"secrets, release, operators", s.provide},
	} {
		begun := time.Now()
		if err := phase.do(); err != nil {
			return fmt.Errorf("%s: %w", phase.name, err)
		}
		fmt.Printf("%6.1f s  %s\n", time.Since(begun).Seconds(), phase.name)
	}
	return nil
}

func (s *site) openVendors() (err error) {
	s.vendors, err = openVendors(s.ctx, s.credentials)
	return err
}

func (s *site) openEmulator() error {
	overrides, err := s.vendors.overrides(s.dir)
	if err != nil {
		return err
	}
	s.cloud, err = startEmulator(s.ctx, s.dir, map[string]string{"FLEET_ENDPOINTS": overrides})
	return err
}

// synthesised begins the synthesis, and gives what waits for its end.
func (s *site) synthesised() (wait func() (assembly, error)) {
	type result struct {
		assembly assembly
		err      error
	}
	done := make(chan result, 1)
	go func() {
		var r result
		var folder string
		if folder, r.err = synthesise(s.ctx, s.dir); r.err == nil {
			r.assembly, r.err = readAssembly(folder)
		}
		done <- r
	}()
	return func() (assembly, error) {
		r := <-done
		return r.assembly, r.err
	}
}

func (s *site) publish() error {
	s.deployment = newDeployment(s.cloud.root(), s.assembly)
	if err := s.deployment.bootstrap(s.ctx); err != nil {
		return err
	}
	return s.deployment.publish(s.ctx, nil, "")
}

func (s *site) provide() error {
	if err := s.deployment.provide(s.ctx, s.credentials); err != nil {
		return err
	}
	if err := s.deployment.widen(s.ctx, iam.NewFromConfig(s.cloud.root())); err != nil {
		return err
	}
	var err error
	s.api, err = openAPI(s.ctx, s.cloud, s.deployment.apis["fleet-"+stage+"-api"], s.credentials)
	return err
}

// close stops what was started, in the reverse order.
func (s *site) close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	var failed error
	if s.cloud != nil {
		s.cloud.stop()
	}
	if s.vendors != nil {
		failed = s.vendors.close()
	}
	if *keep {
		fmt.Println("kept:", s.dir)
		return failed
	}
	return errors.Join(failed, os.RemoveAll(s.dir))
}
