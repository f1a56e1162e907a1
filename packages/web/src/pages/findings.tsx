export default function Findings() {
  return <h1>Findings</h1>;
}
