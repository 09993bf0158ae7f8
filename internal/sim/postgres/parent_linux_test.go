package postgres_test

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"os"
	osexec "os/exec"
	"strings"
	"testing"

	"github.com/project-gimbal/fleet/internal/sim/postgres"
)

// parentOf names the environment variable that turns the test binary into a parent: it starts a server on that folder,
// prints its port and waits to be killed.
const parentOf = "FLEET_TEST_PARENT_OF"

func init() {
	if dir := os.Getenv(parentOf); dir != "" {
		s, err := postgres.Start(context.Background(), dir, postgres.Options{})
		if err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
		fmt.Println(s.Port())
		select {}
	}
}

func TestServerEndsWithItsParent(t *testing.T) {
	t.Parallel()
	dir, remove, err := postgres.Scratch()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := remove(); err != nil {
			t.Error(err)
		}
	})
	parent := osexec.Command(os.Args[0])
	parent.Env = append(os.Environ(), parentOf+"="+dir)
	out, err := parent.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := parent.Start(); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	address := "127.0.0.1:" + strings.TrimSpace(line)
	conn, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	_ = conn.Close()
	if err := parent.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = parent.Wait() // killed, as it should be

	// The next server waits for the first one's end, recovers its databases, and runs alone.
	next, err := postgres.Start(t.Context(), dir, postgres.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if address != fmt.Sprintf("127.0.0.1:%d", next.Port()) {
		if conn, err := net.Dial("tcp", address); err == nil {
			_ = conn.Close()
			t.Error("the first server outlived its parent")
		}
	}
	if err := next.Stop(); err != nil {
		t.Error(err)
	}
}
