import {InferenceSession,Tensor} from 'onnxruntime-node';
for(const f of process.argv.slice(2)){
const s=await InferenceSession.create(f,{graphOptimizationLevel:'all',executionMode:'sequential',intraOpNumThreads:1,interOpNumThreads:1,logSeverityLevel:3,extra:{session:{set_denormal_as_zero:"1",intra_op:{allow_spinning:"0"}}}});
const feeds={},fetch={};
for(const m of s.inputMetadata){const n=m.shape.reduce((a,b)=>a*b,1);let d;if(m.type==='int32'){d=new Int32Array(n).fill(1)}else{d=new Float32Array(n);for(let i=0;i<n;i++)d[i]=(Math.random()+Math.random()+Math.random()-1.5)*(m.name.includes('theta')?.2:1);}feeds[m.name]=new Tensor(m.type,d,m.shape)}
for(const m of s.outputMetadata)fetch[m.name]=new Tensor(m.type,new Float32Array(m.shape.reduce((a,b)=>a*b,1)),m.shape);
const ts=[];for(let i=0;i<300;i++){const t=performance.now();await s.run(feeds,fetch);ts.push(performance.now()-t)}ts.sort((a,b)=>a-b);console.log(f,'min',ts[0].toFixed(3),'p20',ts[60].toFixed(3),'med',ts[150].toFixed(3));
}
