package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"math/big"
	"time"
)

type issued struct {
	certificate *x509.Certificate
	key         *ecdsa.PrivateKey
	pair        tls.Certificate
}

// issue makes a certificate for a host, valid until then; without a parent it signs itself.
func issue(host string, until time.Time, isAuthority bool, parent *issued) *issued {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		panic(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: host, Organization: []string{"Example"}}, DNSNames: []string{host},
		NotBefore: until.Add(-90 * 24 * time.Hour), NotAfter: until, IsCA: isAuthority, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	signer, signerKey := template, key
	if parent != nil {
		signer, signerKey = parent.certificate, parent.key
	}
	der, err := x509.CreateCertificate(rand.Reader, template, signer, &key.PublicKey, signerKey)
	if err != nil {
		panic(err)
	}
	certificate, err := x509.ParseCertificate(der)
	if err != nil {
		panic(err)
	}
	return &issued{certificate, key, tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}}
}

func soon() time.Time { return time.Now().Add(30 * 24 * time.Hour) }

func signed(host string, until time.Time) (tls.Certificate, *tls.Config) {
	authority := issue("Example Root", soon(), true, nil)
	trust := x509.NewCertPool()
	trust.AddCert(authority.certificate)
	return issue(host, until, false, authority).pair, &tls.Config{RootCAs: trust}
}

func trusted() (tls.Certificate, *tls.Config) { return signed("bank.example", soon()) }
func expired() (tls.Certificate, *tls.Config) {
	return signed("bank.example", time.Now().Add(-48*time.Hour))
}
func wrongHost() (tls.Certificate, *tls.Config) { return signed("bank.internal", soon()) }
func unknownAuthority() (tls.Certificate, *tls.Config) {
	pair, _ := signed("bank.example", soon())
	return pair, nil
}
func selfSigned() (tls.Certificate, *tls.Config) {
	return issue("bank.example", soon(), false, nil).pair, nil
}
