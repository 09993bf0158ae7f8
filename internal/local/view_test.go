package main

import (
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/charmbracelet/lipgloss"
	"github.com/charmbracelet/x/ansi"
	"github.com/google/go-cmp/cmp"
	"github.com/muesli/termenv"

	"github.com/project-gimbal/fleet/internal/asl"
	"github.com/project-gimbal/fleet/internal/sim"
)

var update = flag.Bool("update", false, "write the golden files anew")

// golden compares with a file of testdata.
func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", name, diff)
	}
}

var noon = time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)

func at(seconds float64) time.Time { return noon.Add(time.Duration(seconds * float64(time.Second))) }

func done(from, to float64) stay {
	return stay{Visit: asl.Visit{Type: "Task", Entered: at(from), Left: at(to), Attempts: 1, Outcome: asl.VisitExited}}
}

func underWay(from float64, calls int, operation string) stay {
	vendor, name, _ := strings.Cut(operation, ".")
	s := stay{Visit: asl.Visit{Type: "Task", Entered: at(from), Attempts: 1}}
	for range calls {
		s.calls = append(s.calls, sim.Call{Vendor: vendor, Operation: name})
	}
	return s
}

// inARow are Tasks one after the other.
func inARow(names ...string) asl.Graph {
	g := asl.Graph{StartAt: names[0]}
	for i, name := range names {
		s := asl.State{Name: name, Type: asl.Task}
		if i < len(names)-1 {
			s.Next = names[i+1]
		}
		g.States = append(g.States, s)
	}
	return g
}

// drawn are graphs as the workflows' are, but they stay as they are here: the pictures are compared letter by letter.
func drawn() map[string]asl.Graph {
	provision := inARow("ReserveInstance", "CreateResources", "ConfigureAndDeploy", "VerifyHealth", "ActivateInstance", "NotifyCustomer", "EndOperation")
	provision.States[1].Type, provision.States[2].Type = asl.Parallel, asl.Parallel
	provision.States[1].Branches = []asl.Graph{inARow("CreateProject", "AwaitProject", "MigrateDatabase"), inARow("CreateFrontend", "ConfigureDNS"),
		inARow("CreateSMSAccount"), inARow("CreateEmailAccount", "PublishMailDNS", "AwaitMailDomain")}
	provision.States[2].Branches = []asl.Graph{inARow("ConfigureInstance", "CreateAdmin"),
		inARow("DeployFrontend", "AwaitFrontend", "AwaitCertificate", "ProxyDNS")}
	provision.States = append(provision.States, asl.State{Name: "Begin", Type: asl.Choice, Targets: []string{"NotifyCustomer", "ReserveInstance"}},
		asl.State{Name: "BeginTeardown", Type: asl.Task})
	provision.StartAt = "Begin"
	teardown := inARow("RemoveResources", "EndOperation")
	teardown.States[0].Type = asl.Parallel
	dns := removing("RemoveDNS", "RemoveDNSTargets")
	dns.States[1].Type = asl.Parallel
	dns.States[1].Branches = []asl.Graph{removing("RemoveFrontend"), removing("RemoveEmailAccount")}
	teardown.States[0].Branches = []asl.Graph{dns, removing("RemoveSMSAccount"), removing("RemoveProject")}
	return map[string]asl.Graph{"provision": provision, "teardown": teardown}
}

// removing is a branch of a take-down.
func removing(names ...string) asl.Graph {
	branch := inARow(append(names, names[0]+"Ended")...)
	branch.States[len(names)].Type = asl.Pass
	return branch
}

// provisioning is a picture of one in the middle: with what is done, under way, tried again, and still to come.
func provisioning() frame {
	tried := done(0.1, 8.4)
	tried.Attempts, tried.Errors = 3, []string{"Throttled", "Throttled"}
	again := underWay(8.4, 2, "cloudflare.CreateRecord")
	again.Errors, again.RetryAt = []string{"Unavailable"}, at(80)
	return frame{title: "Gimbal Fleet demo", start: noon, now: at(75), speed: 25, runs: []runFrame{{
		name: "op-1-provision-1", graph: drawn()["provision"], status: asl.Running, stays: map[string]stay{
			"ReserveInstance": done(0, 0.1), "CreateProject": done(0.1, 2.3), "AwaitProject": underWay(2.3, 14, "supabase.GetProject"),
			"CreateFrontend": tried, "ConfigureDNS": again, "CreateSMSAccount": done(0.1, 1.1),
			"CreateEmailAccount": done(0.1, 1.5), "PublishMailDNS": done(1.5, 2.9), "AwaitMailDomain": done(2.9, 10.1),
		}}}}
}

// takingDown is a picture of a provisioning that failed, and of its take-down.
func takingDown() frame {
	f := provisioning()
	failed := done(0.1, 3)
	failed.Errors = []string{"Rejected"}
	dropped := underWay(2.3, 1, "supabase.GetProject")
	dropped.Outcome, dropped.Left = asl.VisitAborted, at(3)
	f.runs[0].status = asl.Failed
	f.runs[0].stays = map[string]stay{"ReserveInstance": done(0, 0.1), "CreateFrontend": failed, "AwaitProject": dropped, "BeginTeardown": done(3, 3.1)}
	waiting := underWay(5, 3, "supabase.DeleteProject")
	waiting.Errors, waiting.RetryAt = []string{"NotReady"}, at(77.5)
	f.runs = append(f.runs, runFrame{name: "op-1-teardown-1", graph: drawn()["teardown"], status: asl.Running, stays: map[string]stay{
		"RemoveDNS": done(3.1, 5), "RemoveFrontend": done(5, 9), "RemoveEmailAccount": underWay(5, 9, "sendgrid.ListSubusers"),
		"RemoveSMSAccount": done(5, 70), "RemoveProject": waiting}})
	f.note = "Ctrl-C: stopping; what was made is taken down. Once more leaves at once"
	return f
}

// colourless is the theme of a terminal with NO_COLOR.
func colourless() theme {
	r := lipgloss.NewRenderer(io.Discard)
	r.SetColorProfile(termenv.Ascii)
	return newTheme(r)
}

func TestPictures(t *testing.T) {
	for name, f := range map[string]frame{"provision": provisioning(), "teardown": takingDown()} {
		for _, width := range []int{40, 60, 80, 120} {
			golden(t, fmt.Sprintf("%s-%d.txt", name, width), colourless().draw(f, width, 0))
		}
		golden(t, name+"-60x10.txt", colourless().draw(f, 60, 10))
	}
}

func TestPicturesFit(t *testing.T) {
	for _, f := range []frame{provisioning(), takingDown(), {}} {
		for width := range 200 {
			picture := colourless().draw(f, width, 0)
			for line := range strings.Lines(picture) {
				if n := ansi.StringWidth(strings.TrimSuffix(line, "\n")); n >= width && width > 0 {
					t.Fatalf("%d columns in a terminal of %d: %q", n, width, line)
				}
			}
		}
		for _, width := range []int{30, 40, 60, 80, 120} {
			for height := 2; height < 60; height++ {
				picture := colourless().draw(f, width, height)
				if n := strings.Count(picture, "\n"); n >= height {
					t.Fatalf("%d lines in a terminal of %d", n, height)
				}
				if !strings.HasPrefix(picture, f.title) {
					t.Fatalf("the header has no room in a terminal of %d×%d", width, height)
				}
			}
		}
	}
}

// TestShortPictureTellsWhatHappens: where there is no room, what is under way or in trouble is what is drawn.
func TestShortPictureTellsWhatHappens(t *testing.T) {
	for _, c := range []struct {
		frame frame
		says  []string
	}{
		{provisioning(), []string{"✓ 7 done  · 11 to come", "● AwaitProject", "↻ ConfigureDNS"}},
		{takingDown(), []string{"✓ 3 done  · 1 to come", "● RemoveEmailAccount", "↻ RemoveProject", "Ctrl-C: stopping"}},
	} {
		picture := colourless().draw(c.frame, 60, 9)
		for _, says := range c.says {
			if !strings.Contains(picture, says) {
				t.Errorf("it does not say %q:\n%s", says, picture)
			}
		}
	}
}

func TestNotesKeepAddressesWhole(t *testing.T) {
	const address = "http://127.0.0.1:38577/signups/df4a5ecc-37f0-5b06-b82f-426350807da2"
	said := colourless().said("starting PostgreSQL, five vendors and the HTTP front; status "+address, 40)
	lines := strings.Split(said, "\n")
	if !slices.Contains(lines, address) || slices.ContainsFunc(lines, func(l string) bool { return l != address && len(l) > 39 }) {
		t.Errorf("%q", lines)
	}
}

func TestRealWorkflowsAreDrawn(t *testing.T) {
	for name, g := range graphs() {
		for _, width := range []int{50, 80} {
			picture := colourless().draw(frame{runs: []runFrame{{name: name, graph: g}}}, width, 0)
			g.Walk(func(s asl.State) {
				if s.Type == asl.Task && !drawnOnceEntered(name, s.Name) && strings.Count(picture, s.Name) != 1 {
					t.Errorf("%s: %s isn't in the picture once:\n%s", name, s.Name, picture)
				}
			})
		}
	}
}

// TestChosenWayIsDrawnInOrder: what a Choice led to stands where it was, however the run was chosen, before what follows it.
func TestChosenWayIsDrawnInOrder(t *testing.T) {
	for _, c := range []struct {
		workflow string
		entered  string // in this order
		order    string // of what is drawn from there
	}{
		{"teardown", "IsItsEnd RemoveDNSAtEnd RemoveFrontendAtEnd", "RemoveDNSAtEnd RemoveFrontendAtEnd RemoveEmailAccountAtEnd RemoveSMSAccountAtEnd RemoveProjectAtEnd ArchiveAudit IssueCertificate DestroyKey EndOperation"},
		{"teardown", "IsItsEnd RemoveResources", "RemoveDNS RemoveProject EndOperation"},
		{"close", "IsItOff StopServices PointHost ExportDatabase", "PointHost ExportDatabase VerifyExport EndOperation"},
		{"close", "IsItOff ExportDatabase", "ExportDatabase VerifyExport EndOperation"},
	} {
		stays := map[string]stay{}
		for i, name := range strings.Fields(c.entered) {
			stays[name] = stay{Visit: asl.Visit{ID: int64(i + 1), State: name, Entered: noon}}
		}
		for _, width := range []int{50, 80} {
			picture := colourless().draw(frame{now: noon, start: noon, runs: []runFrame{{name: c.workflow, graph: graphs()[c.workflow], stays: stays}}}, width, 0)
			at := 0
			for _, name := range strings.Fields(c.order) {
				next := strings.Index(picture, name)
				if next < at || strings.Count(picture, name) != 1 {
					t.Errorf("%s is out of order:\n%s", name, picture)
				}
				at = next
			}
		}
	}
}

// drawnOnceEntered are the states beside a workflow's usual way: what begins an undoing or a take-down, the end of a termination that was
// not confirmed, and the way of one that is no roll-back.
func drawnOnceEntered(workflow, state string) bool {
	return strings.HasPrefix(state, "Begin") || workflow == "terminate" && state == "EndOperation" ||
		workflow == "teardown" && (strings.HasSuffix(state, "AtEnd") || slices.Contains([]string{"ArchiveAudit", "IssueCertificate", "DestroyKey"}, state))
}

func TestColoursTellOutcomesApart(t *testing.T) {
	r := lipgloss.NewRenderer(io.Discard)
	r.SetColorProfile(termenv.ANSI)
	picture := newTheme(r).draw(takingDown(), 120, 0)
	for what, colour := range map[string]string{"✗ CreateFrontend": "\x1b[1;31m", "✓ RemoveDNS": "\x1b[32m", "↻ NotReady": "\x1b[33m", "● 1m10s": "\x1b[1;36m"} {
		if !strings.Contains(picture, colour+what) {
			t.Errorf("%q is not in colour %q", what, colour)
		}
	}
	if strings.Contains(colourless().draw(takingDown(), 120, 0), "\x1b") {
		t.Error("there are colours where none were wanted")
	}
}
