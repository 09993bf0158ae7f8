package edge

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"sync"
	"time"

	"github.com/project-gimbal/fleet/internal/clock"
)

// authority signs certificates for hosts. Nothing but the edge's own tests and runner trusts it.
type authority struct {
	clock clock.Clock
	key   *ecdsa.PrivateKey
	root  *x509.Certificate

	mu     sync.Mutex
	leaves map[string]*tls.Certificate // by host
	serial int64
}

const (
	backdated = 24 * time.Hour // so that clocks that are off agree
	lasting   = 20 * 365 * 24 * time.Hour
)

func newAuthority(c clock.Clock) (*authority, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	now := c.Now()
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "Gimbal Fleet simulated edge"},
		NotBefore: now.Add(-backdated), NotAfter: now.Add(lasting),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return nil, err
	}
	root, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, err
	}
	return &authority{clock: c, key: key, root: root, leaves: map[string]*tls.Certificate{}, serial: 1}, nil
}

// leaf gives the host's certificate, made at the first asking.
func (a *authority) leaf(host string) (*tls.Certificate, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if made, ok := a.leaves[host]; ok {
		return made, nil
	}
	a.serial++
	template := &x509.Certificate{
		SerialNumber: big.NewInt(a.serial), Subject: pkix.Name{CommonName: host}, DNSNames: []string{host},
		NotBefore: a.root.NotBefore, NotAfter: a.root.NotAfter,
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, a.root, a.key.Public(), a.key)
	if err != nil {
		return nil, err
	}
	made := &tls.Certificate{Certificate: [][]byte{der}, PrivateKey: a.key}
	a.leaves[host] = made
	return made, nil
}

// Roots is what a client has to trust.
func (e *Edge) Roots() *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AddCert(e.ca.root)
	return pool
}

// RootPEM is the authority's certificate for a person's browser or command line.
func (e *Edge) RootPEM() []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: e.ca.root.Raw})
}

func (e *Edge) tlsConfig() *tls.Config {
	return &tls.Config{
		MinVersion: tls.VersionTLS12, Time: e.clock.Now, SessionTicketsDisabled: true, NextProtos: []string{"http/1.1"},
		GetCertificate: func(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
			host := canonical(hello.ServerName)
			known, _ := e.sites.Certificate(host)
			paged, certified := e.paged(host)
			if paged && !certified || !paged && !known.Issued {
				return nil, fmt.Errorf("no certificate for this host yet")
			}
			return e.ca.leaf(host)
		},
	}
}
