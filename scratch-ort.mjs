import {InferenceSession,Tensor} from 'onnxruntime-node';import fs from 'fs';
const f=process.argv[2];
const s=await InferenceSession.create(f,{graphOptimizationLevel:'all',executionMode:'sequential',intraOpNumThreads:1,interOpNumThreads:1,logSeverityLevel:3,enableProfiling:true,profileFilePrefix:'/tmp/s/p',extra:{session:{set_denormal_as_zero:"1",intra_op:{allow_spinning:"0"}}}});
const feeds={};
for(const m of s.inputMetadata){const n=m.shape.reduce((a,b)=>a*b,1);let d;if(m.type==='int32'){d=new Int32Array(n).fill(1)}else{d=new Float32Array(n);for(let i=0;i<n;i++)d[i]=(Math.random()+Math.random()+Math.random()-1.5)*(m.name.includes('theta')?.2:1);if(/weights|advantages/.test(m.name))d.fill(1);if(m.name.includes('secondMoment'))d.fill(1e-3)}feeds[m.name]=new Tensor(m.type,d,m.shape)}
for(let i=0;i<100;i++)await s.run(feeds);
s.endProfiling();
const p=fs.readdirSync('/tmp/s').filter(x=>x.startsWith('p_')||/^p.*json$/.test(x)).map(x=>'/tmp/s/'+x).sort().pop();
const ev=JSON.parse(fs.readFileSync(p)).filter(e=>e.cat==='Node'&&e.name.endsWith('_kernel_time'));
fs.rmSync(p);
const by={};for(const e of ev){const shp=(e.args.input_type_shape??[]).map(o=>Object.values(o)[0].join('x')).join(' ')+' -> '+(e.args.output_type_shape??[]).map(o=>Object.values(o)[0].join('x')).join(' ');const k=e.args.op_name+' '+shp;(by[k]??=[0,0]);by[k][0]+=e.dur/100;by[k][1]+=1/100}
const ops={};for(const k in by){const o=k.split(' ')[0];(ops[o]??=[0,0]);ops[o][0]+=by[k][0];ops[o][1]+=by[k][1]}
console.log('total',Object.values(ops).reduce((a,b)=>a+b[0],0));
console.table(Object.entries(ops).sort((a,b)=>b[1][0]-a[1][0]).slice(0,14).map(([o,[t,n]])=>({o,us:t.toFixed(0),n})));
for(const [k,[t,n]] of Object.entries(by).sort((a,b)=>b[1][0]-a[1][0]).slice(0,32))console.log(t.toFixed(0).padStart(6),String(n).padStart(5),(t/n).toFixed(1).padStart(7),k);
