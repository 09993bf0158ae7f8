package vercel_test

import (
	"cmp"
	"fmt"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/project-gimbal/fleet/internal/clock"
	"github.com/project-gimbal/fleet/internal/fault"
	"github.com/project-gimbal/fleet/internal/fleet"
	"github.com/project-gimbal/fleet/internal/provider"
	"github.com/project-gimbal/fleet/internal/provider/vercel"
	"github.com/project-gimbal/fleet/internal/sim"
	simulator "github.com/project-gimbal/fleet/internal/sim/vercel"
)

// instance is the nth instance's id.
func instance(n int) string { return fmt.Sprintf("6f9619ff-8b86-4d01-b42d-%012x", n) }

// owned lists all, sorted.
func (w *world) owned() []fleet.Owned {
	w.Helper()
	var all []fleet.Owned
	if err := provider.EachOwned(w.Context(), w.client.Owned, func(o fleet.Owned) error { all = append(all, o); return nil }); err != nil {
		w.Fatal(err)
	}
	slices.SortFunc(all, func(a, b fleet.Owned) int {
		return cmp.Or(cmp.Compare(a.InstanceID, b.InstanceID), cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Name, b.Name))
	})
	return all
}

// TestOwned: every project of ours with its domains, over several pages, and nobody else's.
func TestOwned(t *testing.T) {
	inWorld(t, "", func(_ *simulator.Config, o *sim.Options) { o.Answer = time.Second }, func(w *world) {
		var want []fleet.Owned
		for n := range 45 {
			id := instance(n)
			p, err := w.client.CreateProject(w.attempt(), vercel.NewProject{Name: fleet.ResourceName(id), Mark: id})
			if err != nil {
				w.Fatal(err)
			}
			domains := n % 3
			if n == 7 { // more than a page
				domains = 130
			}
			for d := range domains {
				host := fmt.Sprintf("d%03d-%d.gimbal.app", d, n)
				if _, err := w.client.AddDomain(w.attempt(), p.ID, host); err != nil {
					w.Fatal(err)
				}
				want = append(want, fleet.Owned{Kind: fleet.VercelDomain, InstanceID: id, Name: host, ID: host})
			}
			want = append(want, fleet.Owned{Kind: fleet.VercelProject, InstanceID: id, Name: p.Name, ID: p.ID})
		}
		for name, mark := range map[string]string{
			"marketing": "", "gimbal-site": "gimbal-site", "my-gimbal-" + instance(1): instance(1), fleet.ResourceName(instance(100)): "", fleet.ResourceName(instance(101)): instance(102),
		} {
			p, err := w.client.CreateProject(w.attempt(), vercel.NewProject{Name: name, Mark: mark})
			if err == nil {
				_, err = w.client.AddDomain(w.attempt(), p.ID, "x-"+name+".gimbal.app")
			}
			if err != nil {
				w.Fatal(err)
			}
		}
		if got := w.owned(); !slices.Equal(got, want) {
			w.Errorf("%d are owned, want %d:\n%v", len(got), len(want), got)
		}
	})
}

// TestOwnedWithoutShownMarks: where the list shows no environment, the mark is asked for.
func TestOwnedWithoutShownMarks(t *testing.T) {
	id := instance(1)
	for name, test := range map[string]struct {
		env    string
		status int
		want   int
	}{"ours": {`{"envs":[{"key":"FLEET_INSTANCE_ID","value":"` + id + `","type":"plain"}]}`, 200, 1}, "not ours": {`{"envs":[]}`, 200, 0}, "gone": {`{"error":{"code":"not_found"}}`, 404, 0}} {
		client := vercel.New(settings(clock.System(), roundTrip(func(r *http.Request) (*http.Response, error) {
			switch r.URL.Path {
			case "/v10/projects":
				return answer(200, `{"projects":[{"id":"prj_1","name":"gimbal-`+id+`"}],"pagination":{"next":null}}`), nil
			case "/v10/projects/prj_1/env":
				return answer(test.status, test.env), nil
			}
			return answer(200, `{"domains":[{"name":"gimbal-x.vercel.app","projectId":"prj_1","verified":true}]}`), nil
		})))
		page, err := client.Owned(t.Context(), "")
		if err != nil || len(page.Owned) != test.want || page.Next != "" {
			t.Errorf("%s: %+v, %v", name, page, err)
		}
	}
}

func TestOwnedDomainsEnd(t *testing.T) {
	calls, id := 0, instance(1)
	client := vercel.New(settings(clock.System(), roundTrip(func(r *http.Request) (*http.Response, error) {
		if calls++; r.URL.Path == "/v10/projects" {
			return answer(200, `{"projects":[{"id":"prj_1","name":"gimbal-`+id+`","env":[{"key":"FLEET_INSTANCE_ID","value":"`+id+`","type":"plain"}]}],"pagination":{"next":null}}`), nil
		}
		return answer(200, `{"domains":[],"pagination":{"next":1}}`), nil
	})))
	if _, err := client.Owned(t.Context(), ""); !fault.Is(err, fault.Unavailable) || calls > 50 {
		t.Errorf("%v after %d calls", err, calls)
	}
}
