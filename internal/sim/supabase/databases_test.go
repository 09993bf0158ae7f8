package supabase

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/project-gimbal/fleet/internal/sim"
)

// failing are databases that can't be made, dropped or changed.
type failing struct{ NoDatabases }

var errDown = errors.New("no database today")

func (failing) Create(context.Context, string, string) error          { return errDown }
func (failing) Drop(context.Context, string) error                    { return errDown }
func (failing) SetPassword(context.Context, string, string) error     { return errDown }
func (failing) AddUser(context.Context, string, string, string) error { return errDown }

func TestFailingDatabases(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(sim.Options{}, Settings{Databases: failing{}})
		ref := w.create(t, "one")
		if got := w.status(t, ref); got != "INIT_FAILED" {
			t.Errorf("without a database: %s", got)
		}
		if r := w.manage(t, "DELETE", "/v1/projects/"+ref, ""); r.status != 500 || w.status(t, ref) != "INIT_FAILED" {
			t.Errorf("deletion: %+v, then %s", r, w.status(t, ref))
		}
		w.Force(ref, "")
		w.sleep(t, 10*time.Minute)
		if r := w.manage(t, "PATCH", "/v1/projects/"+ref+"/database/password", `{"password":"1234"}`); r.status != 500 {
			t.Errorf("password: %+v", r)
		}
		service := w.manage(t, "GET", "/v1/projects/"+ref+"/api-keys", "").text(t, 1, "api_key")
		for range 2 {
			r := w.inProject(t, ref, service, "POST", "/auth/v1/admin/users", `{"email":"ada@example.com"}`)
			if r.status != 500 || r.text(t, "error_code") != "unexpected_failure" {
				t.Errorf("user: %+v", r)
			}
		}
		if held := w.Inventory(); len(held) != 1 {
			t.Errorf("held: %v", held)
		}
	})
}

// recording are databases that note what is asked of them, slowly.
type recording struct {
	NoDatabases
	w     *world
	asked []string
}

func (d *recording) Create(ctx context.Context, ref, password string) error {
	d.asked = append(d.asked, "create "+ref+" "+password)
	return d.w.clock.Sleep(ctx, time.Hour)
}

func (d *recording) SetPassword(_ context.Context, ref, password string) error {
	d.asked = append(d.asked, "password "+ref+" "+password)
	return nil
}

func (d *recording) AddUser(_ context.Context, ref, id, email string) error {
	d.asked = append(d.asked, "user "+ref+" "+id+" "+email)
	return nil
}

func (d *recording) Drop(_ context.Context, ref string) error {
	d.asked = append(d.asked, "drop "+ref)
	return nil
}

func TestDatabasesFollowTheirProjects(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := &recording{}
		w := newWorld(sim.Options{}, Settings{Databases: d})
		d.w = w
		go w.manage(t, "POST", "/v1/projects", newBody)
		w.sleep(t, 30*time.Minute)
		ref := w.Inventory()[0].ID
		// The lock isn't held over the database's creation, and the project waits for it.
		if got := w.status(t, ref); got != "COMING_UP" {
			t.Errorf("before its database is there: %s", got)
		}
		w.sleep(t, time.Hour)
		service := w.manage(t, "GET", "/v1/projects/"+ref+"/api-keys", "").text(t, 1, "api_key")
		id := "6f9619ff-8b86-4d01-b42d-00cf4fc964ff"
		w.inProject(t, ref, service, "POST", "/auth/v1/admin/users", `{"id":"`+id+`","email":"Ada@example.com"}`)
		w.manage(t, "PATCH", "/v1/projects/"+ref+"/database/password", `{"password":"next"}`)
		for range 2 {
			w.manage(t, "DELETE", "/v1/projects/"+ref, "")
		}
		want := []string{
			"create " + ref + " secret-password", "user " + ref + " " + id + " ada@example.com", "password " + ref + " next", "drop " + ref,
		}
		if fmt.Sprint(d.asked) != fmt.Sprint(want) {
			t.Errorf("asked %q, want %q", d.asked, want)
		}
	})
}

func TestSaveAndLoad(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(sim.Options{Seed: 3}, Settings{})
		ref, anonymous, service := w.ready(t, "one")
		w.inProject(t, ref, service, "POST", "/auth/v1/admin/users", `{"email":"ada@example.com"}`)
		w.inProject(t, ref, service, "POST", "/storage/v1/bucket", `{"name":"files"}`)
		w.manage(t, "PATCH", "/v1/projects/"+ref+"/config/auth", `{"site_url":"https://one.test","jwt_exp":60}`)
		saved, err := w.Save()
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(saved), "secret-password") {
			t.Error("a database password is kept")
		}
		again := newWorld(sim.Options{Seed: 3}, Settings{})
		if err := again.Load(saved); err != nil {
			t.Fatal(err)
		}
		resaved, err := again.Save()
		if err != nil || string(resaved) != string(saved) {
			t.Errorf("saved again it differs: %v", err)
		}
		if fmt.Sprint(again.Inventory()) != fmt.Sprint(w.Inventory()) || len(again.Inventory()) != 2 {
			t.Errorf("held: %v, want %v", again.Inventory(), w.Inventory())
		}
		if r := again.inProject(t, ref, anonymous, "GET", "/rest/v1/", ""); r.status != 200 {
			t.Errorf("the old key: %+v", r)
		}
		if r := again.manage(t, "GET", "/v1/projects/"+ref+"/config/auth", ""); r.text(t, "site_url") != "https://one.test" {
			t.Errorf("settings: %v", r.at(t, "site_url"))
		}
		if err := again.Load([]byte("{")); err == nil {
			t.Error("a broken state is taken")
		}
	})
}

func TestLoadAfterTheMachineDied(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := &recording{}
		w := newWorld(sim.Options{}, Settings{Databases: d})
		d.w = w
		go w.manage(t, "POST", "/v1/projects", newBody)
		w.sleep(t, time.Minute)
		saved, err := w.Save()
		if err != nil {
			t.Fatal(err)
		}
		again := newWorld(sim.Options{}, Settings{})
		if err := again.Load(saved); err != nil {
			t.Fatal(err)
		}
		ref := w.Inventory()[0].ID
		if got := again.status(t, ref); got != "INIT_FAILED" {
			t.Errorf("the machine died while the database was made: %s", got)
		}
		w.sleep(t, time.Hour)

		again.find(ref).Deleting = true // as saved while its database is dropped
		if saved, err = again.Save(); err != nil {
			t.Fatal(err)
		}
		if err := again.Load(saved); err != nil {
			t.Fatal(err)
		}
		if r := again.manage(t, "DELETE", "/v1/projects/"+ref, ""); r.status != 200 || again.status(t, ref) != "GOING_DOWN" {
			t.Errorf("the machine died while the database was dropped: %+v, then %s", r, again.status(t, ref))
		}
	})
}

// peopled are databases that tell of their users.
type peopled struct {
	NoDatabases
	users map[string]string
	err   error
}

func (d *peopled) Users(context.Context, string) (map[string]string, bool, error) {
	return d.users, d.users != nil, d.err
}

// TestAuthFollowsItsTable: whom SQL puts into auth.users Auth knows, and whom it takes away it forgets; a database that doesn't answer
// changes nothing.
func TestAuthFollowsItsTable(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := &peopled{}
		w := newWorld(sim.Options{}, Settings{Databases: d})
		ref := w.create(t, "one")
		w.sleep(t, 10*time.Minute)
		service := w.manage(t, "GET", "/v1/projects/"+ref+"/api-keys", "").text(t, 1, "api_key")
		ada := w.inProject(t, ref, service, "POST", "/auth/v1/admin/users", `{"email":"ada@example.com"}`).text(t, "id")
		const grace = "6b0d4a3e-5a0f-4f43-9d5a-3f1b0a5c7e11"
		there := func(when string, want map[string]int) {
			t.Helper()
			for id, status := range want {
				if r := w.inProject(t, ref, service, "GET", "/auth/v1/admin/users/"+id, ""); r.status != status {
					t.Errorf("%s, %s: %d, want %d", when, id, r.status, status)
				}
			}
		}
		there("nobody knows", map[string]int{ada: 200, grace: 404})
		d.users, d.err = map[string]string{grace: "grace@example.com"}, errDown
		there("it doesn't answer", map[string]int{ada: 200, grace: 404})
		d.err = nil
		there("it is another", map[string]int{ada: 404, grace: 200})
	})
}
