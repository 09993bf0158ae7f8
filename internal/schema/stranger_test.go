package schema

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/binary"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgproto3"

	"github.com/project-gimbal/fleet/internal/fault"
	"github.com/project-gimbal/fleet/internal/provider"
	"github.com/project-gimbal/fleet/internal/sim/postgres/postgrestest"
)

const (
	poolerName = "aws-1-eu-central-1.pooler.supabase.com"
	password   = "0wner's-passw0rd"
)

// TestAuthority: it is Supabase's, and there is time to take the next one before this one ends.
func TestAuthority(t *testing.T) {
	block, rest := pem.Decode(prodCA)
	if block == nil || len(bytes.TrimSpace(rest)) > 0 {
		t.Fatal("not one certificate")
	}
	c, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(c.Raw)
	if hex.EncodeToString(sum[:]) != "807025ad50d4ed219d2c9c7d299c004f824eb00cf7f65afef607d07b72e6cafa" ||
		c.Subject.CommonName != "Supabase Root 2021 CA" || !c.IsCA || c.CheckSignatureFrom(c) != nil {
		t.Errorf("it is of %s, %x", c.Subject, sum)
	}
	if got := c.NotAfter.Format(time.DateOnly); got != "2031-04-26" {
		t.Errorf("it is good until %s: its comment and the runbook say otherwise", got)
	}
	if time.Now().AddDate(0, 6, 0).After(c.NotAfter) {
		t.Error("it ends within six months: take Supabase's next one")
	}
	if _, err := c.Verify(x509.VerifyOptions{Roots: roots(), KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageAny}}); err != nil {
		t.Error(err)
	}
}

// TestUnverified: a connection string that would let anybody answer is not used.
func TestUnverified(t *testing.T) {
	for _, url := range []string{
		"postgres://u@" + poolerName + "/x", "postgres://u@" + poolerName + "/x?sslmode=require", "postgres://u@" + poolerName + "/x?sslmode=verify-ca",
		"postgres://u@" + poolerName + "/x?sslmode=prefer", "postgres://u@" + poolerName + "/x?sslmode=disable", "postgres://u@192.0.2.1/x?sslmode=disable",
		"postgres://u@127.0.0.1/x", "postgres://u@127.0.0.1,192.0.2.1/x?sslmode=disable",
	} {
		if _, err := configure(provider.NewSecret(url), roots()); !fault.Is(err, fault.Internal) || !fault.NothingHappened(err) {
			t.Errorf("%s: %v", url, err)
		}
	}
	t.Setenv("PGSSLMODE", "disable")
	t.Setenv("PGREQUIREAUTH", "password")
	config, err := configure(provider.NewSecret(production()), roots())
	if err != nil || config.TLSConfig == nil || config.TLSConfig.ServerName != poolerName || config.TLSConfig.RootCAs != roots() || config.RequireAuth != proof {
		t.Errorf("the environment changed it: %+v, %v", config, err)
	}
}

// production is a connection string as production has it.
func production() string {
	ref := strings.Repeat("a", 20)
	bare := provider.ForDatabase(provider.Production().SupabaseDatabase, ref, poolerName, "postgres."+ref)
	return strings.Replace(bare, "@", ":"+password+"@", 1)
}

// TestStrangers: whoever is not Supabase's pooler is told nothing of the password, whatever it asks for.
func TestStrangers(t *testing.T) {
	ours := newAuthority(t)
	for _, c := range []struct {
		name string
		as   *tls.Certificate // nil takes no TLS
		asks pgproto3.BackendMessage
		why  string
	}{
		{"self-signed", newAuthority(t).certificate(t, poolerName), &pgproto3.AuthenticationCleartextPassword{}, "certificate"},
		{"another name", ours.certificate(t, "aws-0-us-east-1.pooler.supabase.com"), &pgproto3.AuthenticationCleartextPassword{}, "certificate"},
		{"without TLS", nil, &pgproto3.AuthenticationCleartextPassword{}, "TLS"},
		{"asks for the password", ours.certificate(t, poolerName), &pgproto3.AuthenticationCleartextPassword{}, "SCRAM"},
		{"asks for MD5", ours.certificate(t, poolerName), &pgproto3.AuthenticationMD5Password{Salt: [4]byte{1, 2, 3, 4}}, "SCRAM"},
		{"asks for nothing", ours.certificate(t, poolerName), &pgproto3.AuthenticationOk{}, "SCRAM"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := &impostor{as: c.as, asks: c.asks}
			err := s.meet(t, ours)
			if !fault.Is(err, fault.Rejected) || !fault.NothingHappened(err) || !strings.Contains(err.Error(), c.why) || strings.Contains(err.Error(), password) {
				t.Errorf("got %v", err)
			}
			s.done.Wait()
			if s.wire.Len() == 0 {
				t.Error("it was told nothing at all")
			}
			for _, heard := range [][]byte{s.wire.Bytes(), s.startup.Bytes(), s.reply.Bytes()} {
				if bytes.Contains(heard, []byte(password)) {
					t.Errorf("it was told the password: %q", heard)
				}
			}
			if s.reply.Len() > 0 && s.reply.Bytes()[0] == 'p' { // PasswordMessage, a hash included
				t.Errorf("it was answered: %q", s.reply.Bytes())
			}
			if c.why == "certificate" && s.let {
				t.Error("the handshake went through")
			}
		})
	}
}

// TestKnownPooler: what has a certificate of the authority for the pooler's name, and proves to know the password, is let answer.
func TestKnownPooler(t *testing.T) {
	ours := newAuthority(t)
	ref, _ := postgrestest.Project(t)
	server := postgrestest.Server(t)
	if err := server.SetPassword(t.Context(), ref, password); err != nil {
		t.Fatal(err)
	}
	at := listen(t, func(conn net.Conn) {
		secured, err := accept(conn, ours.certificate(t, poolerName))
		if err != nil {
			return
		}
		behind, err := net.Dial("tcp", net.JoinHostPort(server.Host(), strconv.Itoa(server.Port())))
		if err != nil {
			return
		}
		go func() { _, _ = io.Copy(behind, secured); _ = behind.Close() }()
		_, _ = io.Copy(secured, behind)
	})
	url := strings.Replace(provider.ForDatabase(provider.Production().SupabaseDatabase, ref, poolerName, "postgres."+ref), "/postgres?", "/"+ref+"?", 1)
	for given, want := range map[string]fault.Code{password: "", "wrong": fault.Rejected} {
		config, err := configure(postgrestest.WithPassword(t, url, given), ours.pool)
		if err != nil {
			t.Fatal(err)
		}
		config.LookupFunc = at
		conn, err := dial(t.Context(), config)
		if want != "" {
			if !fault.Is(err, want) {
				t.Errorf("password %q: %v", given, err)
			}
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		var user string
		if err := conn.QueryRow(t.Context(), "select session_user").Scan(&user); err != nil || user != "postgres."+ref {
			t.Errorf("it is %q: %v", user, err)
		}
		_ = conn.Close(t.Context())
	}
}

// impostor answers in the pooler's place, and keeps what it is told.
type impostor struct {
	as   *tls.Certificate
	asks pgproto3.BackendMessage

	done    sync.WaitGroup // the first connection is closed
	let     bool           // the handshake went through
	wire    bytes.Buffer
	startup bytes.Buffer // within TLS
	reply   bytes.Buffer // to what it asks
}

// meet connects to it as to the pooler, trusting the authority.
func (s *impostor) meet(t *testing.T, trusted *authority) error {
	t.Helper()
	config, err := configure(provider.NewSecret(production()), trusted.pool)
	if err != nil {
		t.Fatal(err)
	}
	s.done.Add(1)
	var first sync.Once
	config.LookupFunc = listen(t, func(conn net.Conn) { first.Do(func() { defer s.done.Done(); s.answer(conn) }) })
	conn, err := dial(t.Context(), config)
	if err == nil {
		_ = conn.Close(t.Context())
	}
	return err
}

func (s *impostor) answer(conn net.Conn) {
	_ = conn.SetDeadline(time.Now().Add(2 * time.Second)) // so that a client that takes it for the vendor gets an end
	conn = eavesdropped{conn, &s.wire}
	if s.as == nil {
		_, _ = io.ReadFull(conn, make([]byte, 8))
		_, _ = conn.Write([]byte("N"))
		_, _ = io.Copy(io.Discard, conn)
		return
	}
	secured, err := accept(conn, s.as)
	if err != nil {
		return
	}
	s.let = true
	backend := pgproto3.NewBackend(io.TeeReader(secured, &s.startup), secured)
	if _, err := backend.ReceiveStartupMessage(); err != nil {
		return
	}
	backend.Send(s.asks)
	if err := backend.Flush(); err != nil {
		return
	}
	reply := make([]byte, 1024)
	n, _ := secured.Read(reply) // then it hangs up
	s.reply.Write(reply[:n])
}

// eavesdropped is a connection whose bytes are kept.
type eavesdropped struct {
	net.Conn
	kept *bytes.Buffer
}

func (e eavesdropped) Read(p []byte) (int, error) {
	n, err := e.Conn.Read(p)
	e.kept.Write(p[:n])
	return n, err
}

// listen answers one connection after another, and gives a look-up that leads every name there.
func listen(t *testing.T, answer func(net.Conn)) func(context.Context, string) ([]string, error) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go func() { defer func() { _ = conn.Close() }(); answer(conn) }()
		}
	}()
	return func(_ context.Context, host string) ([]string, error) {
		if host != poolerName {
			return nil, errors.New("no such host: " + host)
		}
		return []string{l.Addr().String()}, nil
	}
}

// accept takes a client's request for TLS.
func accept(conn net.Conn, as *tls.Certificate) (net.Conn, error) {
	var request struct{ Length, Code uint32 }
	if err := binary.Read(conn, binary.BigEndian, &request); err != nil || request.Code != 80877103 {
		return nil, fmt.Errorf("no request for TLS: %+v, %w", request, err)
	}
	if _, err := conn.Write([]byte("S")); err != nil {
		return nil, err
	}
	secured := tls.Server(conn, &tls.Config{Certificates: []tls.Certificate{*as}})
	return secured, secured.Handshake()
}

// authority signs certificates.
type authority struct {
	key  *ecdsa.PrivateKey
	root *x509.Certificate
	pool *x509.CertPool
}

func newAuthority(t *testing.T) *authority {
	t.Helper()
	a := &authority{key: newKey(t), pool: x509.NewCertPool()}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "Supabase Root 2021 CA"}, NotBefore: time.Now().Add(-time.Hour),
		NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign}
	a.root = sign(t, template, template, a.key, a.key)
	a.pool.AddCert(a.root)
	return a
}

func (a *authority) certificate(t *testing.T, name string) *tls.Certificate {
	t.Helper()
	key := newKey(t)
	leaf := sign(t, &x509.Certificate{SerialNumber: big.NewInt(2), DNSNames: []string{name}, NotBefore: a.root.NotBefore, NotAfter: a.root.NotAfter,
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}}, a.root, key, a.key)
	return &tls.Certificate{Certificate: [][]byte{leaf.Raw, a.root.Raw}, PrivateKey: key}
}

func newKey(t *testing.T) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func sign(t *testing.T, template, parent *x509.Certificate, key, by *ecdsa.PrivateKey) *x509.Certificate {
	t.Helper()
	der, err := x509.CreateCertificate(rand.Reader, template, parent, key.Public(), by)
	if err != nil {
		t.Fatal(err)
	}
	c, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return c
}
