package postgres_test

import (
	"context"
	"errors"
	"os"
	osexec "os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/project-gimbal/fleet/internal/sim/postgres"
	"github.com/project-gimbal/fleet/internal/sim/postgres/postgrestest"
)

// scratch is a folder for a server's files.
func scratch(t *testing.T) string {
	t.Helper()
	dir, remove, err := postgres.Scratch()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := remove(); err != nil {
			t.Error(err)
		}
	})
	return dir
}

// started starts a server, which the caller stops.
func started(t *testing.T, dir string) *postgres.Server {
	t.Helper()
	s, err := postgres.Start(t.Context(), dir, postgres.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func stopped(t *testing.T, s *postgres.Server) {
	t.Helper()
	if err := s.Stop(); err != nil {
		t.Error(err)
	}
}

// TestCommittedSurvivesAHardEnd: what a client was told is committed is there after the server was ended as it is when Fleet
// dies.
func TestCommittedSurvivesAHardEnd(t *testing.T) {
	t.Parallel()
	dir, ref := scratch(t), postgrestest.Reference()
	s := started(t, dir)
	if err := s.Create(t.Context(), ref, "secret"); err != nil {
		t.Fatal(err)
	}
	conn := dial(t, postgrestest.WithPassword(t, s.URL(ref), "secret").Reveal())
	exec(t, conn, "create table kept (n int)")
	exec(t, conn, "insert into kept select generate_series(1, 100)")
	if err := syscall.Kill(postmaster(t, dir), syscall.SIGQUIT); err != nil {
		t.Fatal(err)
	}
	stopped(t, s)
	s = started(t, dir)
	defer stopped(t, s)
	conn = dial(t, postgrestest.WithPassword(t, s.URL(ref), "secret").Reveal())
	if n := one[int](t, conn, "select count(*)::int from kept"); n != 100 {
		t.Errorf("%d of 100 rows are left", n)
	}
}

// TestLockOfAnotherProgram: after a crash of the machine, or of a container, the number of the server that was may be
// another program's.
func TestLockOfAnotherProgram(t *testing.T) {
	t.Parallel()
	dir := scratch(t)
	stopped(t, started(t, dir))
	other := osexec.Command("sleep", "60")
	if err := other.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() {
		if other.Process.Kill() != nil || !killed(other.Wait()) {
			t.Error("the other program was ended")
		}
	}()
	lock := strconv.Itoa(other.Process.Pid) + "\n" + filepath.Join(dir, "data") + "\n"
	if err := os.WriteFile(filepath.Join(dir, "data", "postmaster.pid"), []byte(lock), 0o600); err != nil {
		t.Fatal(err)
	}
	stopped(t, started(t, dir))
}

// killed reports whether a program was ended by SIGKILL.
func killed(err error) bool {
	exit, ok := errors.AsType[*osexec.ExitError](err)
	return ok && exit.Sys().(syscall.WaitStatus).Signal() == syscall.SIGKILL
}

// TestOrphanIsEnded: where the system does not end a server with its parent, the next one does.
func TestOrphanIsEnded(t *testing.T) {
	t.Parallel()
	dir := scratch(t)
	first := started(t, dir)
	defer stopped(t, first)
	orphan := postmaster(t, dir)
	gone := osexec.Command("true")
	if err := gone.Run(); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "parent"), []byte(strconv.Itoa(gone.Process.Pid)), 0o600); err != nil {
		t.Fatal(err)
	}
	begun := time.Now()
	second := started(t, dir)
	defer stopped(t, second)
	if now := postmaster(t, dir); now == orphan {
		t.Error("the orphan still serves")
	}
	if took := time.Since(begun); took > 8*time.Second {
		t.Errorf("it took %s", took)
	}
}

// TestServerOfALivingParent is left alone.
func TestServerOfALivingParent(t *testing.T) {
	t.Parallel()
	dir := scratch(t)
	s := started(t, dir)
	defer stopped(t, s)
	pid := postmaster(t, dir)
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second) // an orphan would be ended after one
	defer cancel()
	_, err := postgres.Start(ctx, dir, postgres.Options{})
	if err == nil || !strings.Contains(err.Error(), "in use by process "+strconv.Itoa(pid)) {
		t.Errorf("%v", err)
	}
	if syscall.Kill(pid, 0) != nil {
		t.Error("it was ended")
	}
}

// TestStartThatWasKilled: a file that was made and not yet written counts as none.
func TestStartThatWasKilled(t *testing.T) {
	t.Parallel()
	dir := scratch(t)
	if err := os.WriteFile(filepath.Join(dir, "superuser"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	stopped(t, started(t, dir))
}

// TestInitdbThatIsStillEnding: a child of an initdb whose parent was killed may write for a moment longer.
func TestInitdbThatIsStillEnding(t *testing.T) {
	t.Parallel()
	dir := scratch(t)
	ended, stop := make(chan struct{}), make(chan struct{})
	begun := make(chan struct{})
	unfinished := filepath.Join(dir, "data.new")
	if err := os.MkdirAll(unfinished, 0o777); err != nil {
		t.Fatal(err)
	}
	go func() {
		defer close(ended)
		for n := 0; ; n++ {
			_ = os.MkdirAll(unfinished, 0o777)                                       // it is removed under this
			_ = os.WriteFile(filepath.Join(unfinished, strconv.Itoa(n)), nil, 0o666) // as well
			if n == 0 {
				close(begun)
			}
			select {
			case <-stop:
				return
			default:
			}
		}
	}()
	<-begun
	s, err := postgres.Start(t.Context(), dir, postgres.Options{})
	close(stop)
	<-ended
	if err != nil {
		t.Fatal(err)
	}
	stopped(t, s)
}
