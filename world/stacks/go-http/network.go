package main

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"syscall"
	"time"
)

// rawServer is a callee that leaves no span: it takes each connection as it comes.
func rawServer(host string, serve func(*net.TCPConn)) net.Listener {
	listener, err := net.Listen("tcp", host)
	if err != nil {
		panic(err)
	}
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go serve(conn.(*net.TCPConn))
		}
	}()
	return listener
}

func readRequest(conn net.Conn) {
	_, _ = conn.Read(make([]byte, 4096))
}

func reset(ctx context.Context) {
	defer rawServer(rates, func(conn *net.TCPConn) {
		readRequest(conn)
		_ = conn.SetLinger(0)
		conn.Close()
	}).Close()
	calling("http://" + rates + "/rates")(ctx)
}

func hangUp(ctx context.Context) {
	defer rawServer(rates, func(conn *net.TCPConn) {
		readRequest(conn)
		conn.Close()
	}).Close()
	calling("http://" + rates + "/rates")(ctx)
}

func cutBody(ctx context.Context) {
	defer rawServer(rates, func(conn *net.TCPConn) {
		readRequest(conn)
		_, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 4096\r\n\r\n{\"EUR\":")
		conn.Close()
	}).Close()
	calling("http://" + rates + "/rates")(ctx)
}

// blackHole lets nobody in: the queue of a socket that never accepts is full, so the kernel drops each new SYN.
func blackHole(ctx context.Context) {
	at, err := net.ResolveTCPAddr("tcp4", rates)
	if err != nil {
		panic(err)
	}
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM, 0)
	if err == nil {
		err = syscall.SetsockoptInt(fd, syscall.SOL_SOCKET, syscall.SO_REUSEADDR, 1)
	}
	if err == nil {
		err = syscall.Bind(fd, &syscall.SockaddrInet4{Addr: [4]byte(at.IP.To4()), Port: at.Port})
	}
	if err == nil {
		err = syscall.Listen(fd, 0)
	}
	if err != nil {
		panic(err)
	}
	defer syscall.Close(fd)
	for range 4 {
		if conn, err := net.DialTimeout("tcp4", rates, 100*time.Millisecond); err == nil {
			defer conn.Close()
		}
	}
	calling("http://" + rates + "/rates")(ctx)
}

func plainOnTLS(ctx context.Context) {
	defer untraced("bank.example:443", http.NotFoundHandler()).Close()
	calling("https://bank.example/iban")(ctx)
}

func overTLS(certificate func() (tls.Certificate, *tls.Config)) func(context.Context) {
	return func(ctx context.Context) {
		pair, trust := certificate()
		listener, err := tls.Listen("tcp", "bank.example:443", &tls.Config{Certificates: []tls.Certificate{pair}})
		if err != nil {
			panic(err)
		}
		defer serve(listener, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, `{"EUR":1}`) })).Close()
		s := newService("ledger-api")
		s.client = newClient(s.provider, &http.Transport{DialContext: dial, TLSClientConfig: trust})
		defer s.listen(ledger, balance, balanceOf(s, "https://bank.example/iban")).Close()
		visit(ctx, ledger, "/balance/17")
	}
}
