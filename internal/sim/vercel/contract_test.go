package vercel_test

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/project-gimbal/fleet/internal/clock"
	"github.com/project-gimbal/fleet/internal/contract"
	"github.com/project-gimbal/fleet/internal/provider"
	client "github.com/project-gimbal/fleet/internal/provider/vercel"
	"github.com/project-gimbal/fleet/internal/sim"
	"github.com/project-gimbal/fleet/internal/sim/vercel"
)

// TestContract runs every call of the client, in success and in refusal, through Vercel's own document.
func TestContract(t *testing.T) {
	spec := contract.Open(t, "vercel")
	n := &names{}
	s := vercel.New(sim.Options{Clock: clock.System(), Seed: 1}, vercel.Config{
		Token: "t", Team: "team_1", Resolver: n, Deploy: vercel.Span{Max: time.Microsecond},
	})
	link := &sim.Link{Clock: clock.System(), Script: sim.NewScript()}
	if err := link.Add("https://api.vercel.com", s, nil); err != nil {
		t.Fatal(err)
	}
	c := client.New(provider.Config{
		Endpoints: provider.Production(), Clock: clock.System(), Transport: spec.Check(link),
		Credential: func(context.Context, string) (provider.Secret, error) { return provider.NewSecret("t"), nil },
		Settings:   provider.Settings{VercelTeam: "team_1"},
	})
	ctx := provider.WithAttempt(t.Context())
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Error(err)
		}
	}
	refused := func(err error) {
		t.Helper()
		if err == nil {
			t.Error("not refused")
		}
	}
	p, err := c.CreateProject(ctx, client.NewProject{Name: "acme", Mark: "i-1"})
	must(err)
	_, err = c.CreateProject(ctx, client.NewProject{Name: "acme", Mark: "i-1"})
	refused(err)
	_, err = c.Team(ctx)
	must(err)
	n1, err := c.CountProjects(ctx)
	must(err)
	if n1 != 1 {
		t.Errorf("%d projects are counted, want 1", n1)
	}
	_, err = c.FindProject(ctx, "acme")
	must(err)
	_, err = c.FindProject(ctx, "none")
	must(err)
	must(c.SetEnvironment(ctx, p.ID, []client.Variable{
		{Key: "A", Value: provider.NewSecret("1")}, {Key: "B", Value: provider.NewSecret("2"), Sensitive: true},
	}))
	refused(c.SetEnvironment(ctx, p.ID, []client.Variable{{Key: "VERCEL_A", Value: provider.NewSecret("1")}}))
	_, err = c.AddDomain(ctx, p.ID, host)
	must(err)
	_, err = c.AddDomain(ctx, p.ID, host)
	refused(err)
	_, err = c.FindDomain(ctx, p.ID, host)
	must(err)
	_, err = c.FindDomain(ctx, p.ID, "none.gimbal.app")
	must(err)
	for _, target := range []string{"", "cname.vercel-dns.com"} {
		n.set(target, false)
		_, err = c.DomainConfig(ctx, p.ID, host)
		must(err)
	}
	deployment := client.NewDeployment{
		Project: p.ID, Name: "acme", Meta: map[string]string{"operationId": "op"},
		Files: []client.File{{Path: "a", Digest: client.Digest([]byte("a")), Size: 1}, {Path: "b", Inline: []byte("b")}},
	}
	_, err = c.CreateDeployment(ctx, deployment)
	refused(err)
	_, err = c.UploadFile(ctx, []byte("a"))
	must(err)
	d, err := c.CreateDeployment(ctx, deployment)
	must(err)
	_, err = c.Deployment(ctx, d.ID)
	must(err)
	_, err = c.Deployment(ctx, "dpl_none")
	refused(err)
	_, err = c.FindDeployments(ctx, p.ID, "operationId", "op")
	must(err)
	for _, set := range []func(context.Context, string) error{c.Pause, c.Pause, c.Unpause} {
		must(set(ctx, p.ID))
		_, err = c.Paused(ctx, p.ID)
		must(err)
		refused(set(ctx, "prj_none"))
	}
	_, err = c.Owned(ctx, "")
	must(err)
	_, err = c.Domains(ctx, p.ID)
	must(err)
	_, err = c.Domains(ctx, "prj_none")
	refused(err)
	must(c.RemoveDomain(ctx, p.ID, host))
	must(c.RemoveDomain(ctx, p.ID, host))
	must(c.DeleteProject(ctx, p.ID))
	must(c.DeleteProject(ctx, p.ID))

	want := 0
	for _, name := range []string{
		"createProject", "getProject", "filterProjectEnvs", "deleteProject", "createProjectEnv", "addProjectDomain", "getProjectDomain",
		"removeProjectDomain", "getDomainConfig", "uploadFile", "createDeployment", "getDeployment", "getDeploymentsV7",
		"getTeam", "getProjects", "getProjectDomains", "pauseProject", "unpauseProject",
	} {
		if !slices.ContainsFunc(spec.Seen(), func(seen string) bool { return strings.HasSuffix(seen, "."+name) }) {
			t.Errorf("%s was not checked", name)
		}
		want++
	}
	if got := len(spec.Seen()); got != want {
		t.Errorf("checked %v", spec.Seen())
	}
}
