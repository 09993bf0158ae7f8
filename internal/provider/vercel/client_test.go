package vercel_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/project-gimbal/fleet/internal/fault"
	"github.com/project-gimbal/fleet/internal/provider"
	"github.com/project-gimbal/fleet/internal/provider/vercel"
	"github.com/project-gimbal/fleet/internal/sim"
	simulator "github.com/project-gimbal/fleet/internal/sim/vercel"
)

func TestProjectIsCreatedFoundAndDeleted(t *testing.T) {
	inWorld(t, "", nil, func(w *world) {
		if found, err := w.client.FindProject(w.Context(), "acme"); err != nil || len(found) != 0 {
			w.Fatalf("before: %v, %v", found, err)
		}
		made := w.project("acme")
		found, err := w.client.FindProject(w.Context(), "acme")
		if err != nil {
			w.Fatal(err)
		}
		if diff := cmp.Diff([]vercel.Project{{ID: made.ID, Name: "acme", Mark: "mark-acme"}}, found); diff != "" {
			w.Error(diff)
		}
		if byID, err := w.client.FindProject(w.Context(), made.ID); err != nil || len(byID) != 0 {
			w.Errorf("an id passed for a name: %v, %v", byID, err)
		}
		for range 2 { // the second time it is gone already
			if err := w.client.DeleteProject(w.attempt(), made.ID); err != nil {
				w.Fatal(err)
			}
		}
		if held := w.sim.Inventory(); len(held) != 0 {
			w.Errorf("left: %v", held)
		}
	})
}

func TestTakenProjectNameIsAConflictEvenBeforeItShows(t *testing.T) {
	inWorld(t, "vercel.CreateProject=late:30s", nil, func(w *world) {
		made := w.project("acme")
		_, err := w.client.CreateProject(w.attempt(), vercel.NewProject{Name: "acme", Mark: "another"})
		if !fault.Is(err, fault.Conflict) || !fault.NothingHappened(err) {
			w.Fatalf("got %v", err)
		}
		if found, err := w.client.FindProject(w.Context(), "acme"); err != nil || len(found) != 0 {
			w.Errorf("shown at once: %v, %v", found, err)
		}
		w.sleep(30 * time.Second)
		if found, err := w.client.FindProject(w.Context(), "acme"); err != nil || len(found) != 1 || found[0].ID != made.ID {
			w.Errorf("not shown: %v, %v", found, err)
		}
	})
}

func TestDomain(t *testing.T) {
	inWorld(t, "", nil, func(w *world) {
		p, other := w.project("acme"), w.project("other")
		made, err := w.client.AddDomain(w.attempt(), p.ID, host)
		if err != nil {
			w.Fatal(err)
		}
		if diff := cmp.Diff(vercel.Domain{Name: host, ProjectID: p.ID, Verified: true}, made); diff != "" {
			w.Error(diff)
		}
		if found, err := w.client.FindDomain(w.Context(), p.ID, host); err != nil || !slices.Equal(found, []vercel.Domain{made}) {
			w.Errorf("found %v, %v", found, err)
		}
		if found, err := w.client.FindDomain(w.Context(), other.ID, host); err != nil || len(found) != 0 {
			w.Errorf("another project's: %v, %v", found, err)
		}
		for _, id := range []string{p.ID, other.ID} {
			if _, err := w.client.AddDomain(w.attempt(), id, host); !fault.Is(err, fault.Conflict) || !fault.NothingHappened(err) {
				w.Errorf("a second time: %v", err)
			}
		}
		for range 2 {
			if err := w.client.RemoveDomain(w.attempt(), p.ID, host); err != nil {
				w.Fatal(err)
			}
		}
		if found, err := w.client.FindDomain(w.Context(), p.ID, host); err != nil || len(found) != 0 {
			w.Errorf("after removal: %v, %v", found, err)
		}
	})
}

func TestDomainConfigFollowsTheDNS(t *testing.T) {
	inWorld(t, "", nil, func(w *world) {
		p := w.project("acme")
		if _, err := w.client.AddDomain(w.attempt(), p.ID, host); err != nil {
			w.Fatal(err)
		}
		config := func() vercel.Config {
			w.Helper()
			c, err := w.client.DomainConfig(w.Context(), p.ID, host)
			if err != nil {
				w.Fatal(err)
			}
			return c
		}
		before := config()
		if !before.Misconfigured || strings.HasSuffix(before.CNAME, ".") || !strings.Contains(before.CNAME, ".vercel-dns-") {
			w.Fatalf("without a record: %+v", before)
		}
		for _, target := range []string{before.CNAME, "cname.vercel-dns.com", before.CNAME + "."} {
			w.names.point(host, target)
			if config().Misconfigured {
				w.Errorf("misconfigured with %s", target)
			}
		}
		w.names.point(host, "elsewhere.example.com")
		if !config().Misconfigured {
			w.Error("right with a foreign target")
		}
		w.names.point(host, before.CNAME)
		w.names.proxy(true)
		if !config().Misconfigured {
			w.Error("right behind a proxy without certificate")
		}
	})
}

func variables(secret string) []vercel.Variable {
	return []vercel.Variable{
		{Key: "VITE_INSTANCE_ID", Value: provider.NewSecret("i-1")},
		{Key: "CONFIG_KEY", Value: provider.NewSecret(secret), Sensitive: true},
	}
}

func TestEnvironmentIsUpserted(t *testing.T) {
	inWorld(t, "", nil, func(w *world) {
		p := w.project("acme")
		for _, secret := range []string{"one", "two"} {
			if err := w.client.SetEnvironment(w.attempt(), p.ID, variables(secret)); err != nil {
				w.Fatal(err)
			}
		}
		found, err := w.client.FindProject(w.Context(), "acme")
		if err != nil || len(found) != 1 || found[0].Mark != "mark-acme" {
			w.Errorf("the mark is gone: %v, %v", found, err)
		}
	})
}

func TestEnvironmentFailuresInside201(t *testing.T) {
	inWorld(t, "", nil, func(w *world) {
		p := w.project("acme")
		bad := append(variables("s3cret-value"), vercel.Variable{Key: "VERCEL_X", Value: provider.NewSecret("another-value")})
		err := w.client.SetEnvironment(w.attempt(), p.ID, bad)
		f, ok := errors.AsType[*fault.Error](err)
		if !ok || f.Code != fault.Rejected || f.VendorCode != "RESERVED_ENV_VARIABLE" || f.Status != 201 {
			w.Fatalf("got %v", err)
		}
		if f.NothingHappened {
			w.Error("two of three variables were set, and it says that nothing happened")
		}
		if text := fmt.Sprintf("%v %+v %+v %#v", err, f, bad, bad); strings.Contains(text, "s3cret") || strings.Contains(text, "another-value") {
			w.Errorf("a secret in %s", text)
		}
	})
}

var content = []byte("<!doctype html>")

func (w *world) deploy(p vercel.Project, operation string) (vercel.Deployment, error) {
	return w.client.CreateDeployment(w.attempt(), vercel.NewDeployment{
		Project: p.ID, Name: p.Name, Meta: map[string]string{"operationId": operation},
		Files: []vercel.File{
			{Path: "index.html", Digest: vercel.Digest(content), Size: len(content)},
			{Path: "config.js", Inline: []byte("window.x = 1")},
			{Path: "empty.txt", Inline: []byte{}},
		},
	})
}

func TestDeploymentBecomesLive(t *testing.T) {
	inWorld(t, "", nil, func(w *world) {
		p := w.project("acme")
		_, err := w.deploy(p, "op-1")
		missing, ok := errors.AsType[*vercel.MissingFiles](err)
		if !ok || !slices.Equal(missing.Digests, []string{vercel.Digest(content)}) || !fault.Is(err, fault.Rejected) || !fault.NothingHappened(err) {
			w.Fatalf("before the upload: %v", err)
		}
		for range 2 {
			if digest, err := w.client.UploadFile(w.attempt(), content); err != nil || digest != vercel.Digest(content) {
				w.Fatal(digest, err)
			}
		}
		made, err := w.deploy(p, "op-1")
		if err != nil {
			w.Fatal(err)
		}
		start, seen := w.clock.Now(), []string{}
		for !made.AliasAssigned && w.clock.Now().Sub(start) < 2*time.Minute {
			if made, err = w.client.Deployment(w.Context(), made.ID); err != nil {
				w.Fatal(err)
			}
			if at := fmt.Sprint(made.ReadyState, " ", made.AliasAssigned); len(seen) == 0 || seen[len(seen)-1] != at {
				seen = append(seen, at)
			}
			w.sleep(time.Second)
		}
		if diff := cmp.Diff([]string{"QUEUED false", "BUILDING false", "READY false", "READY true"}, seen); diff != "" {
			w.Error(diff)
		}
		if took := w.clock.Now().Sub(start); took < 20*time.Second || took > 92*time.Second {
			w.Errorf("took %v", took)
		}
		if made.Meta["operationId"] != "op-1" || made.URL == "" || made.AliasError != "" {
			w.Errorf("got %+v", made)
		}
	})
}

func TestDeploymentsAreFoundByMetaOverAllPages(t *testing.T) {
	inWorld(t, "", func(_ *simulator.Config, o *sim.Options) { o.Answer = 0 }, func(w *world) {
		p, other := w.project("acme"), w.project("other")
		if _, err := w.client.UploadFile(w.attempt(), content); err != nil {
			w.Fatal(err)
		}
		want := map[string]bool{}
		for range 230 {
			d, err := w.deploy(p, "op-1")
			if err != nil {
				w.Fatal(err)
			}
			want[d.ID] = true
		}
		for _, stranger := range []struct {
			p         vercel.Project
			operation string
		}{{p, "op-2"}, {other, "op-1"}} {
			if _, err := w.deploy(stranger.p, stranger.operation); err != nil {
				w.Fatal(err)
			}
		}
		found, err := w.client.FindDeployments(w.Context(), p.ID, "operationId", "op-1")
		if err != nil {
			w.Fatal(err)
		}
		got := map[string]bool{}
		for _, d := range found {
			got[d.ID] = true
		}
		if diff := cmp.Diff(want, got); diff != "" || len(found) != len(want) {
			w.Errorf("%d found: %s", len(found), diff)
		}
		if found, err := w.client.FindDeployments(w.Context(), "prj_unknown", "operationId", "op-1"); err != nil || len(found) != 0 {
			w.Errorf("of no project: %v, %v", found, err)
		}
	})
}

func TestFailedDeployments(t *testing.T) {
	for fate, want := range map[simulator.Fate]vercel.Deployment{
		simulator.BuildFails: {ReadyState: "ERROR"},
		simulator.AliasFails: {ReadyState: "READY", AliasError: "alias_failed"},
	} {
		t.Run(string(fate), func(t *testing.T) {
			inWorld(t, "", func(c *simulator.Config, _ *sim.Options) {
				c.Fate = func(string) simulator.Fate { return fate }
			}, func(w *world) {
				if _, err := w.client.UploadFile(w.attempt(), content); err != nil {
					w.Fatal(err)
				}
				made, err := w.deploy(w.project("acme"), "op-1")
				if err != nil {
					w.Fatal(err)
				}
				w.sleep(90 * time.Second)
				got, err := w.client.Deployment(w.Context(), made.ID)
				if err != nil || got.ReadyState != want.ReadyState || got.AliasError != want.AliasError || got.AliasAssigned {
					w.Errorf("got %+v, %v", got, err)
				}
			})
		})
	}
}

func TestUnknownDeploymentIsNotFound(t *testing.T) {
	inWorld(t, "", nil, func(w *world) {
		if _, err := w.client.Deployment(w.Context(), "dpl_unknown"); !provider.NotFound(err) {
			w.Errorf("got %v", err)
		}
	})
}
