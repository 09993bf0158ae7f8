//go:build e2e

package e2e

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"syscall"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	static "github.com/aws/aws-sdk-go-v2/credentials"
)

const (
	account = "111122223333"
	region  = "us-east-1"
	// program is the emulator, where make puts it, seen from this folder.
	program = "../../build/venv/bin/ministack"
)

// emulator is a running MiniStack. It speaks TLS, because the template's policies refuse whatever comes without it, and
// checks signatures and policies (AUTH): a function may do on it what its role allows, and nothing else. With TLS it also takes
// port 443 of loopback, where it may and nobody else has it; nothing here needs that.
type emulator struct {
	address string // host:port on loopback
	roots   *x509.CertPool
	log     string // the file that it writes to

	process *os.Process
	ended   chan struct{}
}

// startEmulator starts one whose files are in dir. The variables reach the functions, too: the emulator hands its own
// environment on to them.
func startEmulator(ctx context.Context, dir string, variables map[string]string) (*emulator, error) {
	c, err := newCertificate(dir)
	if err != nil {
		return nil, err
	}
	port, err := freePort()
	if err != nil {
		return nil, err
	}
	e := &emulator{address: fmt.Sprintf("127.0.0.1:%d", port), roots: c.roots, log: filepath.Join(dir, "ministack.log"), ended: make(chan struct{})}
	output, err := os.Create(e.log)
	if err != nil {
		return nil, err
	}
	defer func() { _ = output.Close() }() // the emulator has its own
	path, err := filepath.Abs(program)
	if err != nil {
		return nil, err
	}
	command := exec.Command(path)
	command.Stdout, command.Stderr = output, output
	command.Dir = dir
	command.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + dir, "TMPDIR=" + dir, "PYTHONDONTWRITEBYTECODE=1",
		"BIND_HOST=127.0.0.1", fmt.Sprintf("GATEWAY_PORT=%d", port), "MINISTACK_HOST=localhost", "MINISTACK_ACCOUNT_ID=" + account,
		"MINISTACK_REGION=" + region, "AUTH=true", "USE_SSL=1", "MINISTACK_SSL_CERT=" + c.file, "MINISTACK_SSL_KEY=" + c.keyFile,
		"S3_DATA_DIR=" + filepath.Join(dir, "s3"), "STATE_DIR=" + filepath.Join(dir, "state"),
		// The functions call AWS here, and trust its certificate; they verify the public edge's by FLEET_ENDPOINTS.
		"AWS_ENDPOINT_URL=" + e.url(), "SSL_CERT_FILE=" + c.file,
		// The emulator knows neither MaxDelaySeconds nor JitterStrategy of a retrier: what should wait 5 s at most grows to
		// 60 s. A quarter of that is nearer to what the definitions say.
		"SFN_WAIT_SCALE=0.25",
	}
	for name, value := range variables {
		command.Env = append(command.Env, name+"="+value)
	}
	command.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	endWithParent(command.SysProcAttr)
	if err := e.launch(command); err != nil {
		return nil, fmt.Errorf("%w (make e2e installs it)", err)
	}
	if err := e.await(ctx); err != nil {
		e.stop()
		return nil, err
	}
	return e, nil
}

// launch starts the process from a thread that lives as long as the process does: Linux ends the process with its thread.
func (e *emulator) launch(command *exec.Cmd) error {
	started := make(chan error)
	go func() {
		runtime.LockOSThread()
		err := command.Start()
		started <- err
		if err == nil {
			_ = command.Wait() // it is stopped by a signal
			close(e.ended)
		}
	}()
	if err := <-started; err != nil {
		return err
	}
	e.process = command.Process
	return nil
}

// await waits until it answers.
func (e *emulator) await(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	for {
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, e.url()+"/_ministack/health", nil)
		if err != nil {
			return err
		}
		if answer, err := e.client().Do(request); err == nil {
			_ = answer.Body.Close()
			if answer.StatusCode == http.StatusOK {
				return nil
			}
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("the emulator does not answer: %w\n%s", ctx.Err(), tail(e.log))
		case <-e.ended:
			return fmt.Errorf("the emulator ended by itself\n%s", tail(e.log))
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// stop ends the emulator and the functions that it runs, its whole process group.
func (e *emulator) stop() {
	_ = syscall.Kill(-e.process.Pid, syscall.SIGTERM) // it may have ended
	select {
	case <-e.ended:
	case <-time.After(5 * time.Second):
	}
	_ = syscall.Kill(-e.process.Pid, syscall.SIGKILL) // what is left of the group
	<-e.ended
}

func (e *emulator) url() string { return "https://" + e.address }

// client reaches the emulator under whatever host name: an API's, or a bucket's.
func (e *emulator) client() *http.Client {
	return &http.Client{Timeout: time.Minute, Transport: &http.Transport{
		TLSClientConfig: &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: e.roots}, MaxIdleConnsPerHost: 20,
		DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, network, e.address)
		}}}
}

// root configures AWS clients as the account's root, who deploys and looks; the emulator takes an account's number for its key.
func (e *emulator) root() aws.Config { return e.as(account, "test") }

func (e *emulator) as(key, secret string) aws.Config {
	return aws.Config{Region: region, BaseEndpoint: aws.String(e.url()), HTTPClient: e.client(),
		Credentials: static.NewStaticCredentialsProvider(key, secret, "")}
}

// freePort finds a port of loopback that nobody listens on.
func freePort() (int, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	address, ok := l.Addr().(*net.TCPAddr)
	if !ok {
		return 0, errors.New("a TCP listener without a TCP address")
	}
	return address.Port, l.Close()
}

// tail is the end of a file, for an error's text.
func tail(file string) string {
	const most = 2000
	text, err := os.ReadFile(file)
	if err != nil {
		return err.Error()
	}
	return string(text[max(0, len(text)-most):])
}
