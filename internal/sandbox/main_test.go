package sandbox

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-lambda-go/lambda/messages"
)

// TestMain lets the test's binary be the functions, too: their names say what they do.
func TestMain(m *testing.M) {
	if os.Getenv("AWS_LAMBDA_RUNTIME_API") == "" {
		os.Exit(m.Run())
	}
	functions := map[string]func(context.Context, string) (string, error){
		"echo": func(ctx context.Context, in string) (string, error) {
			at, _ := ctx.Deadline()
			fmt.Println("said", in)
			return fmt.Sprint(in, " by ", os.Getpid(), " until ", at.UnixMilli()), nil
		},
		"fail": func(context.Context, string) (string, error) {
			return "", messages.InvokeResponse_Error{Type: "NotReady", Message: "not yet"}
		},
		"wait": func(ctx context.Context, _ string) (string, error) { <-ctx.Done(); return "", ctx.Err() },
		"hang": func(context.Context, string) (string, error) { select {} },
		"eat": func(context.Context, string) (string, error) {
			held := bytes.Repeat([]byte("held"), 100<<20)
			time.Sleep(time.Minute)
			return fmt.Sprint(len(held)), nil
		},
		"exit":  func(context.Context, string) (string, error) { os.Exit(4); return "", nil },
		"large": func(context.Context, string) (string, error) { return strings.Repeat("x", maxAnswer), nil },
		"ask": func(context.Context, string) (string, error) {
			answer, err := http.Get("http://" + os.Getenv("AWS_LAMBDA_RUNTIME_API") + PortsPath + "/question")
			if err != nil {
				return "", err
			}
			text, err := io.ReadAll(answer.Body)
			return fmt.Sprint(answer.StatusCode, " ", string(text)), err
		},
		"environment": func(context.Context, string) (string, error) { return strings.Join(os.Environ(), "\n"), nil },
		"parent": func(context.Context, string) (string, error) {
			child := exec.Command("sleep", "60")
			child.Stdout = os.Stdout
			return "", errors.Join(child.Start(), os.WriteFile(os.Getenv("CHILD"), fmt.Append(nil, child.Process.Pid), 0o600))
		},
	}
	switch name := os.Getenv("AWS_LAMBDA_FUNCTION_NAME"); name {
	case "stillborn":
		os.Exit(3)
	case "refuses":
		_, _ = http.Post("http://"+os.Getenv("AWS_LAMBDA_RUNTIME_API")+"/2018-06-01/runtime/init/error", "application/json",
			strings.NewReader(`{"errorType":"Runtime.Odd","errorMessage":"it does not like it here"}`))
		os.Exit(1)
	case "mute":
		time.Sleep(time.Minute)
	case "mute-later":
		once()
		time.Sleep(time.Minute)
	case "hangs-up":
		once()
		hangUp()
		time.Sleep(time.Minute)
	default:
		lambda.Start(functions[name])
	}
}

// once answers one invocation, as echo does.
func once() {
	api := "http://" + os.Getenv("AWS_LAMBDA_RUNTIME_API") + "/2018-06-01/runtime/invocation/"
	asked, err := http.Get(api + "next")
	if err != nil {
		os.Exit(1)
	}
	answer := strings.NewReader(fmt.Sprint("hello by ", os.Getpid(), " until ", asked.Header.Get("Lambda-Runtime-Deadline-Ms")))
	if _, err := http.Post(api+asked.Header.Get("Lambda-Runtime-Aws-Request-Id")+"/response", "text/plain", answer); err != nil {
		os.Exit(1)
	}
}

// hangUp asks for an invocation, and doesn't wait for it.
func hangUp() {
	address, secret, _ := strings.Cut(os.Getenv("AWS_LAMBDA_RUNTIME_API"), "/")
	conn, err := net.Dial("tcp", address)
	if err != nil {
		os.Exit(1)
	}
	_, _ = fmt.Fprintf(conn, "GET /%s/2018-06-01/runtime/invocation/next HTTP/1.1\r\nHost: api\r\n\r\n", secret)
	_ = conn.Close()
}
